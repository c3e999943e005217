"""What a notebook shows of an explorer when JupyterLab opens it again without the kernel that made it.

Below the still picture, JupyterLab would write "Error displaying widget: model not found", or "Loading widget...", because it
saves the states of widgets only if it is told to. A style sheet, which is an output of the cell, too, puts other words there.
"""

#: It concerns only the outputs of its own cell. A widget that is shown contains elements, JupyterLab's messages do not. Nothing is
#: written in the seconds in which a running kernel's widget is loaded.
STYLES = """<style class="fe-saved">
.jp-OutputArea-child:has(.fe-saved) { display: none; }
.jp-OutputArea:has(.fe-saved) .jp-OutputArea-output:not([data-mime-type], :has(*)) { font-size: 0; }
.jp-OutputArea:has(.fe-saved) .jp-OutputArea-output:not([data-mime-type], :has(*))::after {
  content: "This is a still picture: run the cell to make it interactive."; font: 13px system-ui, sans-serif;
  padding-left: 8px; visibility: hidden; animation: fe-saved 1ms 3s forwards; }
@keyframes fe-saved { to { visibility: visible; } }
</style>"""
