"""What the objects of a story are called, in all explorers."""

from frcnn_edu.lessons.story import Story


def with_article(name: str) -> str:
    """“a cross”, “an ellipse”."""
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def class_of(of: Story, number: int) -> str:
    """The class of an object, by its index."""
    return of.classes[int(of.target["labels"][number])]


def called(of: Story, number: int) -> str:
    """In a sentence: “our cross” for the followed object, “object 1, a cross” for another."""
    name = class_of(of, number)
    return f"our {name}" if number == of.object else f"object {number}, {with_article(name)}"


def entry(of: Story, number: int) -> str:
    """In a list: “1 · cross”."""
    return f"{number} · {class_of(of, number)}"


def closed(name: str) -> str:
    """A name inside a sentence: “object 1, a cross,” has a second comma there, “our cross” has none."""
    return f"{name}," if "," in name else name
