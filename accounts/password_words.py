"""The words that no password may consist of, because everybody who knows the installation tries them."""

import re

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext

from accounts.models import Organisation, Person

# Of the product and of where it stands; docs/decisions/0027-people-and-sessions.md says the same.
WORDS = frozenset({
    "administrator", "breast", "cancer", "clinic", "clinical", "clinician", "expression", "gene", "genes",
    "hospital", "login", "laboratory", "metastasis", "password", "patient", "risk", "rotterdam", "secret",
    "tumor", "tumour", "welcome",
})  # fmt: skip
FEWEST_OTHER_LETTERS = 8


class KnownWordsValidator:
    """A password has letters enough beside words of the product and of the person's organisations."""

    def validate(self, password: str, user: Person | None = None) -> None:
        """Raises ValidationError when few letters are left without the words; digits do not count."""
        text = password.casefold()
        words = sorted(WORDS | _words_of(user), key=len, reverse=True)
        left = re.sub("|".join(map(re.escape, words)), "", text)
        if left != text and sum(letter.isalpha() for letter in left) < FEWEST_OTHER_LETTERS:
            raise ValidationError(self.get_help_text(), code="password_known_words")

    def get_help_text(self) -> str:
        return gettext(
            "A password is not made of words that everybody here knows: those of the product and of your "
            "organisation. Beside others they are fine."
        )


def _words_of(user: Person | None) -> set[str]:
    """From the names of the organisations that somebody is in, or about to join."""
    if not isinstance(user, Person):
        return set()
    theirs = Organisation.objects.filter(Q(memberships__person=user.pk) | Q(pk=user.acting_for_id))
    names = " ".join(f"{name} {slug}" for name, slug in theirs.values_list("name", "slug"))
    return set(re.findall(r"[^\W_]{4,}", names.casefold()))
