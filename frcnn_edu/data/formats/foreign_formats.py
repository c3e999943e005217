"""Formats that are recognised but not read here: what they are, and the shortest remedy."""

import re
from dataclasses import dataclass

TABLE = "write its boxes as CSV, one row per box, with the header filename,xmin,ymin,xmax,ymax,class"
AGAIN = "export the data set again, as COCO or YOLO"
DATUMARO = "datumaro converts it: datum convert -i FOLDER -if {} -f coco -o NEW -- --save-media"
FIFTYONE = "FiftyOne converts it: fiftyone convert --input-dir FOLDER --input-type fiftyone.types.{} "
TO_COCO = "--output-dir NEW --output-type fiftyone.types.COCODetectionDataset"
NUMBER = r"-?\d+(?:\.\d+)?"


@dataclass(frozen=True)
class Foreign:
    """A format that is not read.

    Attributes:
        what: its name, to follow "… looks like".
        way_out: what the user can do about it.
        suffixes: the suffixes of its files.
        signs: regular expressions that are all found in the first 64 KiB of such a file; none if the suffix is enough.
    """

    what: str
    way_out: str
    suffixes: tuple[str, ...]
    signs: tuple[str, ...] = ()


JSON, LINES, TEXT = (".json",), (".json", ".jsonl", ".ndjson", ".manifest"), (".txt",)
FOREIGN = (
    # ---- json of annotation tools
    Foreign("Supervisely's json", "name a folder with these files in ann/, and the images in img/", JSON,
            (r'"classTitle"\s*:', r'"geometryType"\s*:|"points"\s*:|"bitmap"\s*:')),
    Foreign("a project of the VGG Image Annotator 3", "in VIA, export it as COCO", JSON,
            (r'"project"\s*:\s*\{', r'"vid_list"\s*:|"data_format_version"\s*:', r'"metadata"\s*:|"view"\s*:')),
    Foreign("VoTT's json", "in VoTT, export the project as CSV or Pascal VOC", (".json", ".vott"),
            (r'"assets?"\s*:\s*\{', r'"boundingBox"\s*:|"sourceConnection"\s*:|"isVisited"\s*:|"regions"\s*:')),
    Foreign("Labelbox's export", TABLE, LINES, (r'"data_row"\s*:\s*\{|"Labeled Data"\s*:|"DataRow ID"\s*:',)),
    Foreign("V7's Darwin json", "V7's program converts it: darwin convert coco FOLDER NEW", JSON,
            (r'"(?:item|image)"\s*:\s*\{', r'"annotations"\s*:\s*\[', r'"bounding_box"\s*:\s*\{|"slot_names"\s*:|"dataset"\s*:')),
    Foreign("Hasty's json", "in Hasty, export the project as COCO", JSON,
            (r'"label_classes"\s*:\s*\[', r'"image_name"\s*:|"project_name"\s*:|"export_format_version"\s*:')),
    Foreign("FiftyOne's own json", FIFTYONE.format("FiftyOneDataset") + TO_COCO, JSON,
            (r'"samples"\s*:\s*\[', r'"_cls"\s*:|"_media_type"\s*:')),
    Foreign("SageMaker Ground Truth's manifest", TABLE, LINES, (r'"source-ref"\s*:',)),
    Foreign("boxes as text for a language model", AGAIN, LINES, (r'"suffix"\s*:\s*"[^"]*<loc\d', r'"prefix"\s*:')),
    Foreign("CrowdHuman's list", TABLE, (".odgt",)),
    # ---- text and tables
    Foreign("WIDER FACE's list", DATUMARO.format("wider_face"), TEXT,
            (rf"\A[^\n]*\.(?:jpe?g|png)\s*\n\d+\s*\n(?:{NUMBER} ){{3}}{NUMBER}",)),
    Foreign("MOT's tracks", DATUMARO.format("mot_seq"), TEXT, (rf"\A\d+,-?\d+(?:,{NUMBER}){{4}},{NUMBER},-?\d+(?:,{NUMBER}){{1,2}}\s*$",)),
    Foreign("a list of images with their boxes for YOLOv3 or YOLOv4", AGAIN, TEXT,
            (r"\A[^\n]*\.(?:jpe?g|png|bmp|webp)(?: \d+,\d+,\d+,\d+,\d+)+\s*$",)),
    Foreign("KITTI's labels", "name a folder with the labels in label_2/ or labels/, and the images in image_2/ or images/",
            TEXT, (rf"\A[A-Za-z_]+(?: {NUMBER}){{14,15}}\s*$",)),
    Foreign("DOTA's labels", "name a folder with the labels in labelTxt/, and the images in images/",
            TEXT, (rf"^(?:{NUMBER} ){{8}}[^\s\d]\S*(?: \d)?\s*$",)),
    Foreign("VisDrone's labels", "name a folder with the labels in annotations/, and the images in images/",
            TEXT, (r"\A(?:-?\d+,){4}[01],(?:\d|1[01]),-?\d,-?\d,?\s*$",)),
    Foreign("the OIDv4 ToolKit's labels", TABLE, TEXT,
            (r"\A[^\W\d][^\n\d]* (?:\d+\.\d+ ){3}\d+\.\d+\s*$",)),
    Foreign("a table of the VGG Image Annotator 3", "in VIA, export it as COCO", (".csv",),
            (r"\A# (?:Exported using VGG Image Annotator|CSV_HEADER)",)),
    Foreign("masks written as run lengths", "turn the masks into boxes with pycocotools.mask.toBbox", (".csv",),
            (r"(?i)\A[^\n]*\b(?:EncodedPixels|rle)\b",)),
    Foreign("dlib's XML", TABLE, (".xml",), (r"<dataset[\s>]", r"<images?[\s>]", r"<box\s|<images\s*/?>")),
    # ---- files that are not text
    Foreign("a TensorFlow TFRecord", FIFTYONE.format("TFObjectDetectionDataset") + TO_COCO,
            (".tfrecord", ".tfrecords", ".record", ".records")),
    Foreign("a table of Hugging Face's datasets",
            "write its images and a metadata.jsonl; docs/data_sets.md shows how", (".parquet", ".arrow")),
    Foreign("a MATLAB file", TABLE, (".mat",)),
    Foreign("a spreadsheet", "save it as CSV, with the header filename,xmin,ymin,xmax,ymax,class", (".xlsx", ".xls", ".ods")),
    Foreign("a file of arrays", TABLE, (".h5", ".hdf5", ".npy", ".npz", ".pkl", ".pickle", ".mdb", ".lmdb", ".rec")),
    Foreign("a video", "save its frames as images, and annotate those", (".mp4", ".avi", ".mov", ".mkv", ".webm")),
)  # fmt: skip


def format_of(suffix: str, head: str) -> Foreign | None:
    """The first of these formats that a file with this suffix and this beginning looks like."""
    # TensorFlow numbers the parts of a file: cards.tfrecord-00000-of-00010.
    suffix = re.sub(r"-\d+-of-\d+$", "", suffix.lower())
    return next(
        (each for each in FOREIGN if suffix in each.suffixes and all(re.search(s, head, re.M) for s in each.signs)),
        None,
    )
