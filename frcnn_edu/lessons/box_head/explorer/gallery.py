"""The images over which detections are counted; those that have to be computed come one by one."""

from functools import cache

from frcnn_edu.data import ShapesDetection
from frcnn_edu.lessons.story import Story, story

from .seen import OTHERS, Seen, is_own_picture, see, see_own
from .shipped import read


class Gallery:
    """The story's own image, and validation images through the same model, if it knows these classes.

    What the course's own model finds in them is in the package. With another model each takes a forward pass: these images are
    still to come when the explorer opens.

    Attributes:
        of: the story.
        seen: the images that are known. coming: the indices in `OTHERS` of those that are not yet.
    """

    def __init__(self, of: Story) -> None:
        self.of, self.seen = of, [see_own(of)]
        has_others = of.classes == ShapesDetection.classes
        self.coming = [k for k in range(len(OTHERS)) if has_others and not is_own_picture(k, of)]  # once is enough
        if self.coming and of.model is story().model:
            shipped = read()
            self.seen += [shipped[k] for k in self.coming]
            self.coming = []

    @property
    def size(self) -> int:
        """The number of all images."""
        return len(self.seen) + len(self.coming)

    def upto(self, picture: int) -> Seen:
        """The image of that number; whatever comes before it is computed, too."""
        while picture >= len(self.seen):
            self.seen.append(see(self.of.model, self.coming.pop(0)))
        return self.seen[picture]


@cache
def gallery(of: Story) -> Gallery:
    """The images of a story, which all its explorers share."""
    return Gallery(of)
