"""The images over which detections are counted; those that have to be computed are added one by one."""

from functools import cache

from frcnn_edu.data import ShapesDetection
from frcnn_edu.lessons.story import Story, story

from .seen import OTHERS, Seen, is_own_picture, see, see_own
from .shipped import read


class Gallery:
    """The story's own image, and the model's candidates in the validation images, if it has their classes.

    The package contains the candidates of the course's own model. With another model each image takes a forward pass, so these
    images are added after the explorer has opened.

    Attributes:
        of: the story.
        seen: the known images. coming: the indices in `OTHERS` of those that have yet to be computed.
    """

    def __init__(self, of: Story) -> None:
        self.of, self.seen = of, [see_own(of)]
        has_others = of.classes == ShapesDetection.classes
        self.coming = [k for k in range(len(OTHERS)) if has_others and not is_own_picture(k, of)]  # it is counted once
        if self.coming and of.model is story().model:
            shipped = read()
            self.seen += [shipped[k] for k in self.coming]
            self.coming = []

    @property
    def size(self) -> int:
        """The number of all images."""
        return len(self.seen) + len(self.coming)

    def upto(self, picture: int) -> Seen:
        """The image of that index; the ones before it are computed first."""
        while picture >= len(self.seen):
            self.seen.append(see(self.of.model, self.coming.pop(0)))
        return self.seen[picture]


@cache
def gallery(of: Story) -> Gallery:
    """The images of a story, shared by all its explorers."""
    return Gallery(of)
