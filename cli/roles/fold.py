"""The fold as a process, with its pages."""

from aiohttp import web

from processors.view import FoldView
from processors.worker import run as serve
from runtime.brokers import resolve
from runtime.settings import Settings
from web.ledger import LedgerReader
from web.letter_log import LetterReader
from web.pages import make_pages


def run(settings: Settings) -> int:
    """Fold until SIGTERM."""
    brokers = resolve(settings)
    ledger, letters = LedgerReader(brokers), LetterReader(brokers)

    def pages(view: FoldView) -> web.Application:
        return make_pages(settings, view, ledger, letters)

    return serve(settings, brokers, pages)
