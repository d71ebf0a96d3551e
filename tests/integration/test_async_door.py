"""The async door, from the request to the notification."""

from tests.integration.world import World


def test_a_job_is_accepted_worked_on_and_told(world: World) -> None:
    accepted = world.submit(given={"text": "To be, or not to be."}, tags={"order": "42"})
    job = accepted.json
    world.work()
    world.notify()

    assert accepted.status == 202, accepted.json
    assert accepted.headers["location"] == f"https://api.example.com/jobs/{job['id']}"
    seen = world.call("status", id=job["id"]).json
    assert (seen["status"], seen["attempt"]) == ("succeeded", 1), seen
    assert seen["result"]["words"] == 6
    (told,) = world.told()
    assert told["MessageAttributes"]["status"]["Value"] == "succeeded"
