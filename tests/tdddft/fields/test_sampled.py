import numpy as np
import pytest

from tdddft import InputError, read_field
from tdddft.units import AU_FIELD_V_PER_ANGSTROM, AU_TIME_FS


def write(path, text):
    path.write_text(text)
    return path


def test_units_come_from_the_header(tmp_path):
    a = "time (fs), Ex (V/angstrom), Ey (V/angstrom), Ez (V/angstrom)\n0,0,0,0\n1,0.1,0,-0.2\n"
    b = "# from the lab\nEz [V/nm],Ey [V/nm],Ex [V/nm],t [as]\n0,0,0,0\n-2,0,1,1000\n\n"
    last = f"{1 / AU_TIME_FS!r},{0.1 / AU_FIELD_V_PER_ANGSTROM!r},0,{-0.2 / AU_FIELD_V_PER_ANGSTROM!r}"
    c = f"time_au,Ex_au,Ey_au,Ez_au\n0,0,0,0\n{last}\n"
    fields = [read_field(write(tmp_path / f"{i}.csv", text)) for i, text in enumerate((a, b, c))]
    times = np.array([-0.1, 0.0, 0.25, 1.0, 1.1])
    expected = np.outer([0, 0, 0.25, 1, 0], [0.1, 0, -0.2]) / AU_FIELD_V_PER_ANGSTROM
    for field in fields:
        assert np.allclose(field.at(times), expected, atol=1e-15)
        assert field.breaks_fs[0] == 0.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("t,x,y,z\n0,0,0,0\n1,0,0,0", "column 't' of the header"),
        ("time (s),Ex (au),Ey (au),Ez (au)\n", r"column 'time \(s\)'"),
        ("time (fs),Ex (au),Ex (au),Ez (au)\n0,0,0,0\n1,0,0,0", "once each"),
        ("time (fs),Ex (au),Ey (au),Ez (au)\n0,0,0,0\n1,0,x,0", "line 3 does not hold four numbers"),
        ("time (fs),Ex (au),Ey (au),Ez (au)\n0,0,0,0\n1,0,0", "line 3 does not hold four numbers"),
        ("time (fs),Ex (au),Ey (au),Ez (au)\n0,0,0,0\n0,0,0,0", "increasing times"),
        ("time (fs),Ex (au),Ey (au),Ez (au)\n0,0,0,0\n1,nan,0,0", "finite numbers"),
        ("time (fs),Ex (au),Ey (au),Ez (au)\n0,0,0,0", "at least two times"),
    ],
)
def test_bad_files_are_explained(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_field(write(tmp_path / "x.csv", text))


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: there is no such file"):
        read_field(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match="cannot read the field file"):
        read_field(tmp_path / "b.csv")
