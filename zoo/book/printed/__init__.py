"""The code that the book prints, by chapter: what the tests run and the documentation shows.

Calls are facts, and stand here as the book has them; its sentences do not.
"""

from zoo.book.printed.chapter1 import CHAPTER_1, CHAPTER_2
from zoo.book.printed.chapter3 import CHAPTER_3, CHAPTER_5
from zoo.book.printed.chapter6 import CHAPTER_6
from zoo.book.printed.snippet import SECTIONS, Snippet

SNIPPETS = (*CHAPTER_1, *CHAPTER_2, *CHAPTER_3, *CHAPTER_5, *CHAPTER_6)

__all__ = ["SECTIONS", "SNIPPETS", "Snippet"]
