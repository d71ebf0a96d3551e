"""The page for people: Swagger UI, whose files are copied from the package flask_swagger_ui."""

import gzip
from importlib.resources import files
from pathlib import Path

_HTML = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>nowlater: the API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon-32x32.png">
</head>
<body>
<noscript>This page needs JavaScript; the description itself is <a href="openapi.json">here</a>.</noscript>
<main id="api"></main>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
#: In its own file, because the page's Content-Security-Policy allows no inline script.
_START = """\
SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#api',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
})
"""
_VENDORED = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "LICENSE")
FILES = sorted(["start.js", *(name if "." in name else f"{name}.txt" for name in _VENDORED)])


def write(folder: Path) -> None:
    """Write the page, and its files, compressed, into a folder."""
    (folder / "docs.html").write_text(_HTML)
    (folder / "docs").mkdir(exist_ok=True)
    package = files("flask_swagger_ui") / "dist"
    sources = {name: (package / name).read_bytes() for name in _VENDORED}
    sources["LICENSE.txt"] = sources.pop("LICENSE")
    sources["start.js"] = _START.encode()
    for name, data in sources.items():
        (folder / "docs" / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
