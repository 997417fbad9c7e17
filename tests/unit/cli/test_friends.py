"""Friends in lists and on screens: nothing a person wrote or is called, unless asked for."""

from cli.friends import masked
from schemas.codec import encode
from schemas.friends import ConnectionState, FriendState, Inbound, Profile


def test_a_masked_row_holds_no_text_name_or_picture() -> None:
    row = FriendState(
        friend="U1",
        revision=3,
        connections={
            "1": ConnectionState(
                inbound=Inbound(at=1, id="01J", message="5", kind="text", text="secret words", retracted=False),
                profile=Profile(name="Hanako", picture="https://pictures/1", found=True, at=1),
            )
        },
    )
    shown = encode(masked(row))
    assert not [word for word in (b"secret", b"Hanako", b"pictures") if word in shown]
    assert b"12 characters" in shown


def test_masking_keeps_what_is_not_personal() -> None:
    row = FriendState(friend="U1", revision=3, connections={"2": ConnectionState(linked_at=7)})
    assert masked(row) == row
