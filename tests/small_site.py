"""A small built site for tests: six pages of everyday topics, sections with ids in several styles."""

from pathlib import Path

PAGES = {
    "index.html": """<title>Home and hearth</title><nav>Nav words: parsley sage</nav><main>
<h1 id="top">Home and hearth</h1><p>Practical notes for a house, its garden and its people.</p></main>""",
    "garden/index.html": """<title>Garden</title><main><h1>Garden</h1><p>Beds, pots and trees.</p>
<section id="reservoirs"><h2>Reservoirs under the soil</h2>
<p>A pot with a hidden tank below the earth lets roots drink for two weeks, so nothing wilts.</p></section>
<section id="slugs"><h2>Slugs and snails</h2>
<p>Copper tape around a raised bed keeps molluscs away; beer traps catch the rest at night.</p></section>
<section id="pruning"><h2>Pruning apple trees</h2>
<p>Cut back in late winter, before buds break. Remove crossing branches.</p></section>
</main>""",
    "kitchen.html": """<title>Kitchen</title><main><h1>Kitchen</h1>
<h2 id="bread">Bread with a crisp crust</h2>
<p>Bake in a lidded iron casserole: the trapped steam gelatinises the dough's surface.</p>
<h2 id="knives">Sharpening knives</h2>
<p>Draw the blade across a wet stone at fifteen degrees, then hone on leather.</p>
<h2 id="mould">Keeping berries fresh</h2>
<p>Rinse them in diluted vinegar and dry well; spores die and they last a week in the fridge.</p></main>""",
    "computer.html": """<title>Computer</title><main><h1>Computer</h1>
<h2><a id="passwords"></a>Remembering passwords</h2>
<p>A manager generates long random secrets and fills them in, so you memorise only one phrase.</p>
<h2 id="backup">Copies of your files</h2>
<p>Keep three copies on two kinds of media, one of them in another building.</p>
<h2 id="wifi">Weak wireless signal</h2>
<p>Move the router to the middle of the flat, away from the microwave, or add a mesh repeater.</p></main>""",
    "health.html": """<title>Health</title><main><h1>Health</h1>
<h2 id="sleep">Falling asleep</h2>
<p>Go to bed at the same hour, dim the lamps early, and leave the phone in another room.</p>
<h2 id="burns">Burned skin</h2>
<p>Hold the injury under cool running water for twenty minutes; never put ice or butter on it.</p>
<h2 id="back">A stiff spine at the desk</h2>
<p>Raise the monitor to eye level and stand up every half hour.</p></main>""",
    "money.html": """<title>Money</title><main><h1>Money</h1>
<h2 id="budget">A monthly plan</h2>
<p>Write down income and expenses, pay yourself first, and review the list on the last Sunday.</p>
<h2 id="tax">Deductible costs</h2>
<p>Receipts for work clothes, commuting and professional books lower what you owe the state.</p>
<h2 id="insurance">Insurance for renters</h2>
<p>Liability cover pays when you flood the neighbour below by accident.</p></main>""",
}

PARAPHRASE = "Which remedy helps when somebody touched a hot pan?"
"""Shares no content word with its answer: a lexical search cannot find it."""

PARAPHRASE_ANSWER, PARAPHRASE_HEADING = "health.html#burns", "Burned skin"

QUERIES = [
    PARAPHRASE,
    "my internet is slow in the bedroom",
    "How can my flowers survive while I am away on holiday without watering?",
    "stop snails eating my lettuce",
    "how do I get a good crust on a loaf",
    "losing photos when the disk dies",
    "I cannot fall asleep at night",
    "pay less to the tax office",
    "strawberries go bad quickly",
    "sharp blade",
]


def write_small_site(folder: Path) -> None:
    """Write the pages below ``folder``."""
    for name, body in PAGES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f'<!doctype html><html lang="en"><link rel="icon" href="data:,"><body>{body}</body></html>',
            "utf-8",
        )
