import torch
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.model.fast.indices import indices_of_known_number, indices_where, order_by_group, undo_order


@given(st.data(), st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(1, 3))
def test_indices_of_each_mask_and_part(data: st.DataObject, lengths: list[int], number: int) -> None:
    rows = st.lists(st.booleans(), min_size=sum(lengths), max_size=sum(lengths))
    masks = torch.tensor([data.draw(rows) for _ in range(number)], dtype=torch.bool)
    found = indices_where(masks, lengths)
    assert len(found) == number
    for mask, parts in zip(masks, found, strict=True):
        start = 0
        for length, part in zip(lengths, parts, strict=True):
            expected = torch.where(mask[start : start + length])[0] + start
            assert part.dtype == torch.int64
            assert torch.equal(part, expected)
            start += length


@given(groups=st.lists(st.integers(0, 4), max_size=30))
def test_group_by_group_and_back(groups: list[int]) -> None:
    members = torch.tensor(groups, dtype=torch.int64)
    values = torch.arange(len(groups) * 2.0).view(-1, 2)
    order, sizes = order_by_group(members, 5)
    assert order.tolist() == sorted(range(len(groups)), key=lambda i: groups[i])
    assert sizes == [groups.count(i) for i in range(5)]
    assert torch.equal(undo_order(values[order], order), values)


def test_known_numbers() -> None:
    assert indices_of_known_number(torch.tensor([False, True, True]), 2).tolist() == [1, 2]
    assert indices_of_known_number(torch.tensor([False]), 0).tolist() == []
    assert indices_of_known_number(torch.tensor([[False, True], [True, True]]), 3).tolist() == [1, 0, 1]
