from matplotlib.figure import Figure

from frcnn_edu.viz.text_sizes import smallest_word


def test_the_smallest_word_counts_in_pixels_of_a_page() -> None:
    figure = Figure(figsize=(8, 2))
    figure.text(0.1, 0.5, "large", fontsize=18)
    figure.text(0.5, 0.5, "small", fontsize=7.2)
    figure.text(0.8, 0.5, "hidden", fontsize=3, visible=False)
    figure.text(0.9, 0.5, "  ", fontsize=3)
    assert smallest_word(figure) == 10.0


def test_tick_labels_count_if_they_are_drawn() -> None:
    figure = Figure()
    ax = figure.add_subplot()
    ax.tick_params(labelsize=3.6)
    assert smallest_word(figure) == 5.0
    ax.set_axis_off()
    assert smallest_word(figure) is None


def test_a_figure_without_words_has_none() -> None:
    assert smallest_word(Figure()) is None
