"""How Sphinx makes the site: `sphinx-build -W -n docs site`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extension"))

import archcalc

project = "archcalc"
author = "The archcalc developers"
copyright = author
release = archcalc.__version__
version = release

extensions = ["myst_parser", "sphinx_copybutton", "generated"]
myst_enable_extensions = ["deflist", "attrs_inline"]
myst_heading_anchors = 3
exclude_patterns = ["examples/**", "extension/**"]

smartquotes = False  # `--` of a heading is an option

html_theme = "furo"
html_title = "archcalc"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
# A block of commands is copied without their prompts, and without what they print.
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
