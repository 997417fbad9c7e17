"""Every law that is proven by switching it off, in the order of DESIGN."""

from __future__ import annotations

from tests.sabotage.law import Chapter, Law
from tests.sabotage.laws import domain, fold, hubspot, ingress, project, registry

CHAPTERS: tuple[Chapter, ...] = (
    ingress.CHAPTER,
    ingress.SPOOL,
    fold.CHAPTER,
    domain.CHAPTER,
    hubspot.CHAPTER,
    domain.LOOKING,
    hubspot.DOORS,
    registry.CHAPTER,
    registry.PRIVACY,
    project.CHAPTER,
)
LAWS: tuple[Law, ...] = tuple(law for chapter in CHAPTERS for law in chapter.laws)
