"""The font of the formulas: STIX Two Math, reduced to the characters that formulas use. Any browser then draws them alike."""

from importlib.resources import as_file, files
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

SOURCE = "STIXTwoMath-Regular.ttf"  # under the SIL Open Font License, which the font names in itself
FILE = "_static/math.woff"
CHARACTERS = (  # Unicode's ranges: first, last
    (0x20, 0x7E),  # Latin letters, digits, signs
    (0xA0, 0xFF),  # · × ±
    (0x370, 0x3FF),  # Greek
    (0x2000, 0x206F),  # spaces, primes, invisible operators
    (0x2190, 0x2194),  # arrows
    (0x2200, 0x22C5),  # operators and relations
    (0x2308, 0x230B),  # floor and ceiling
    (0x23DC, 0x23DF),  # braces above and below
    (0x210E, 0x210E),  # the italic h
    (0x1D434, 0x1D467),  # the other italic letters
    (0x1D6FC, 0x1D71B),  # italic Greek
)


def write_math_font(file: Path) -> None:
    """Write the font as WOFF, with the variants of its glyphs that grow with a formula."""
    options = subset.Options(
        flavor="woff", layout_features=["ssty"], name_IDs=["*"], notdef_outline=True, hinting=False
    )
    options.recalc_timestamp = False  # the same bytes every time
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in CHARACTERS for code in range(first, last + 1)])
    with as_file(files("ziamath.fonts") / SOURCE) as source, subset.load_font(str(source), options) as font:
        subsetter.subset(font)
        narrow_roots(font)
        subset.save_font(font, str(file), options)


def narrow_roots(font: TTFont) -> None:
    """Make the high root signs as narrow as the low one. Chromium leaves room for the widest, which shows behind each root."""
    variants = font["MATH"].table.MathVariants
    root = font.getBestCmap()[ord("√")]
    high = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(root)]
    names = {record.VariantGlyph for record in high.MathGlyphVariantRecord} - {root}
    parts = {part.glyph for part in high.GlyphAssembly.PartRecords}
    width, widest = font["hmtx"][root][0], max(font["hmtx"][name][0] for name in parts)
    for name in sorted(names | parts):
        advance, _ = font["hmtx"][name]
        squeeze = width / (widest if name in parts else advance)
        glyph = font["glyf"][name]
        glyph.coordinates.scale((squeeze, 1))
        glyph.coordinates.toInt()
        glyph.recalcBounds(font["glyf"])
        font["hmtx"][name] = (round(advance * squeeze), glyph.xMin)
