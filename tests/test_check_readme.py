"""The pages' blocks run as their reader would run them."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "check_readme.py"


def check(*pages):
    return subprocess.run([sys.executable, SCRIPT, *pages], capture_output=True, text=True, check=False)


def test_each_page_starts_in_a_folder_of_structures_alone_and_its_blocks_share_it(tmp_path):
    page = '```bash\ntest "$(ls -A)" = structures\necho 1 > left.txt\n```\n\n'
    page += "```python\nprint(open('left.txt').read())\n```\n"
    for name in ("first.md", "second.md"):
        (tmp_path / name).write_text(page)
    done = check(tmp_path / "first.md", tmp_path / "second.md")
    assert done.returncode == 0, done.stderr
    assert "4 blocks ran" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.md", "second.md"]


def test_a_block_that_needs_a_folder_of_the_checkout_fails(tmp_path):
    (tmp_path / "page.md").write_text("```python\nopen('runs/history.png', 'w')\n```\n")
    done = check(tmp_path / "page.md")
    assert done.returncode != 0
    assert "No such file or directory: 'runs/history.png'" in done.stderr
