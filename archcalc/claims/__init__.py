"""Published figures against computed ones.

A claim is a figure as somebody printed it, with its source, beside the quantity that it is
about; its verdict is computed. `printed` reads figures and rounds as people do, `quantities` is
the small language in which claims say what they are about, `reading` finds the claims in specs,
and `checking` gives the verdicts.
"""
