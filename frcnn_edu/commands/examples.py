"""What `--help` shows below the options of each command."""

EXAMPLES = {
    "main": """
examples:
  python -m frcnn_edu train                        learn to find shapes: 6 minutes on a laptop, no download
  python -m frcnn_edu check-data my_photos/        is there anything wrong with your own photographs?
  python -m frcnn_edu train --data my_photos/      train on them
  python -m frcnn_edu detect holiday.jpg           draw what a trained model finds
  python -m frcnn_edu train --help                 every option of a command
""",
    "check-data": """
examples:
  python -m frcnn_edu check-data my_photos
      Prints how the folder was understood; what is probably wrong, broken or repaired; objects by class, size and
      pyramid level; how many no anchor reaches, and anchors that fit better. Draws data-report/images.png, images with
      their boxes, and data-report/data.png. Every image is loaded, about 100 per second.
  python -m frcnn_edu check-data labels.json --images photos
      If the images are not with the annotations.
  python -m frcnn_edu check-data annotations/instances_train.json --split train --model resnet50_fpn --min-size 640
      For the full model, with images resized to be smaller.
  python -m frcnn_edu check-data my_photos --strict
      For scripts: the exit status is 2 if anything cannot be used.
""",
    "train": """
examples (times: two CPU cores):
  python -m frcnn_edu train
      The small model learns the built-in shapes data: 6 minutes.
  python -m frcnn_edu train --data my_photos --out runs/mine
      A folder as your annotation tool exported it (Pascal VOC, COCO, YOLO, CSV, labelme, VIA, Label Studio, CVAT):
      10 minutes, or as long as --minutes says.
  python -m frcnn_edu train --data annotations/instances_train.json --model resnet50_fpn --weights-backbone DEFAULT
      The full model with a pretrained backbone (a download) on COCO files: for a GPU. A CPU takes many seconds
      for a single step; the plan it prints first estimates the total time.
  torchrun --nproc-per-node 8 -m frcnn_edu train --data annotations/instances_train.json --out runs/coco
      The same on a machine with eight GPUs.
  python -m frcnn_edu train --data my_photos --model resnet50_fpn --weights DEFAULT
      Fine-tune torchvision's COCO weights (a download) or, with a file instead of DEFAULT, those of another run.
  python -m frcnn_edu train --resume --out runs/mine
      Continue a run that was stopped, by Ctrl-C for example, or killed. If its data were moved, --data says where to.

The run folder contains report.html (curves, average precision by class, errors by kind, the worst images), metrics.json,
losses.png, average_precision.png, detections.png, checkpoint.pt (to continue from), checkpoint-previous.pt (in case that
one is damaged), model.safetensors (the trained model, for evaluate and detect) and best.safetensors (the model of the
evaluation with the highest AP).
""",
    "evaluate": """
examples:
  python -m frcnn_edu evaluate                     the model in this package on 200 shapes images: 10 seconds
  python -m frcnn_edu evaluate --checkpoint runs/mine/model.safetensors --data my_photos --split test
      COCO's numbers; by class AP, AP50, precision, recall and F1 at --score-threshold, and the threshold with the best
      F1; a confusion matrix. --json FILE and --report FILE write them, too.
  python -m frcnn_edu evaluate --weights DEFAULT --data annotations/instances_val.json
      torchvision's published weights (a download) on the classes that the data have in common with COCO.
""",
    "detect": """
examples:
  python -m frcnn_edu detect --checkpoint runs/mine/model.safetensors --out found photo.jpg more_photos/
      Draws found/photo.png and so on, and writes found/detections.json. Less than a second per image.
  python -m frcnn_edu detect --weights DEFAULT street.jpg
      With torchvision's published weights (a download), for the 80 classes of COCO.
  python -m frcnn_edu detect --recursive --overwrite photos/
      Includes subfolders, and replaces what is already in detections/.

Files that cannot be used are left out, with the reason. The exit status is 0 if all could be used, 1 if some were left out.
""",
    "export": """
examples:
  python -m frcnn_edu export --out model.onnx
      The shapes model, for its images of 160×128: half a minute. Input "image", float32 (3, 128, 160) in 0–1;
      outputs "boxes", "labels" and "scores", one of each per object.
  python -m frcnn_edu export --checkpoint runs/mine/model.safetensors --height 480 --width 640 --images photos/

The file includes resizing and normalising; the size of its input images is fixed.
""",
    "figures": """
example:
  python -m frcnn_edu figures --out figures        about a minute
""",
    "notebooks": """
examples:
  python -m frcnn_edu notebooks                    all, and the solutions: 10 minutes
  python -m frcnn_edu notebooks 04 05              those whose names begin with 04 or 05

  python -m frcnn_edu notebooks --copy-to course   copies them to a folder of yours instead

  python -m frcnn_edu notebooks --extract          brings the catalogues of translations up to date
  python -m frcnn_edu notebooks --language zh_CN   writes the notebooks and pages in Chinese

Each is executed in place. A second run gives the same files, byte for byte.
""",
    "site": """
examples:
  python -m frcnn_edu site                         writes site/, which any browser opens: site/index.html
  python -m frcnn_edu site --out public            to another folder
  python -m frcnn_edu site --repository URL        a page then says where the project can be cloned

The site needs no server and no network. An earlier site in the folder is replaced; a folder with other files is refused.
""",
    "benchmark": """
examples:
  python -m frcnn_edu benchmark --json numbers.json
      The full model and torchvision's on this CPU: about half an hour. Before anything is timed, both are shown to find
      the same.
  python -m frcnn_edu benchmark --sizes 200 --batch-sizes 1 --boxes 20 --no-growth --no-memory
      A quick look: a minute.
  python -m frcnn_edu benchmark --explorers
      How quickly the explorers respond, in JupyterLab in your own Chromium: five minutes.
""",
}
