"""Reports: the numbers of networks as Markdown pages with plots.

`library` gathers the figures, `page` knows Markdown and links, `site` what pages there are and
where plots go. Each kind of page is one module, and `report` lists and writes them all. The same
library gives the same bytes.
"""
