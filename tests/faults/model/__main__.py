import time
import argparse
from tests.faults.model.scenarios import SCENARIOS
from tests.faults.model.search import search
p = argparse.ArgumentParser(); p.add_argument("--scenario", action="append"); p.add_argument("--most", type=int, default=300000); a = p.parse_args()
for s in SCENARIOS:
    if a.scenario and s.name not in a.scenario: continue
    t = time.time(); f = search(s, most=a.most)
    print(s.name, f.states, "states", round(time.time()-t,1), "s")
    for v, tr in f.violations.items():
        print(" **", v)
        for n, l in enumerate(tr, 1): print(f"    {n:2} {l}")
