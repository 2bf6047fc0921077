"""The source of a class of modules."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.exporting.construction import Member, Section, elements, sections
from archcalc.exporting.forward import forward_lines
from archcalc.exporting.layout import WIDTH, lay_out
from archcalc.exporting.names import MODULE_DICT_ATTRIBUTES, is_plain
from archcalc.exporting.records import Item, ModuleClass, Path

_MOST_FROZEN_APART = 3  # parts that do not learn, before there is a loop over them
_SHARED = "  # shared weights"


def class_lines(module: ModuleClass, is_root: bool, frozen: Sequence[Path] = ()) -> list[str]:
    """The lines of a class.

    Args:
        is_root: whether it is the class of the whole network.
        frozen: the parts in it that do not learn.
    """
    return _ClassWriter(module).lines(is_root, frozen)


class _ClassWriter:
    """Writes one class, statement by statement.

    Parts are attributes (`self.conv`) or, where some of their names are not attributes of Python's
    (`1x1`), entries of a ModuleDict (`self["1x1"]`).
    """

    def __init__(self, module: ModuleClass) -> None:
        self._module = module
        self._body = module.body
        self._sections = sections(module)
        self._names = {p.name: p.name for p in module.parameters}
        self._lines: list[str] = []
        self._members = {id(m.part.item): m for s in self._sections for m in s.members}
        parts = {part for item in self._body.items if item.callee for part in item.path}
        odd = not all(map(is_plain, parts)) and not parts & MODULE_DICT_ATTRIBUTES
        self._is_dict = odd and not self._body.is_chain

    def lines(self, is_root: bool, frozen: Sequence[Path]) -> list[str]:
        """The lines of the class."""
        base = "Sequential" if self._body.is_chain else "ModuleDict" if self._is_dict else "Module"
        self._put(0, f"class {self._module.name}(nn.{base}):")
        parameters = ["self", *[p.declaration() for p in self._module.parameters]]
        self._put(4, f"def __init__({', '.join(parameters)}) -> None:")
        if self._body.is_positional:
            self._put(8, f"super().__init__({', '.join(elements(self._module, self._names))})")
        else:
            self._put(8, "super().__init__()")
            self._keep_figures()
            self._make_parts()
            self._share_weights()
        self._freeze(frozen)
        if not self._body.is_chain and self._body.outputs:
            self._lines.append("")
            head, *statements = forward_lines(self._body, self._call, is_root)
            self._put(4, head)
            for statement in statements:
                code = statement.lstrip()
                self._put(8 + len(statement) - len(code), code)
        return self._lines

    def _put(self, indent: int, statement: str) -> None:
        self._lines += lay_out(statement, indent)

    # ----- __init__ -----

    def _keep_figures(self) -> None:
        """Keeps the parameters that `forward` mentions."""
        mentioned = [
            figure.parameter
            for section in self._sections
            for member in section.members
            for argument, figure in member.arguments
            if argument.in_call and figure.parameter is not None
        ]
        for name in dict.fromkeys(mentioned):
            self._put(8, f"self.{name} = {name}")

    def _make_parts(self) -> None:
        """Makes each part after what it stands in."""
        sections = {
            section.members[0].part.item.path: section
            for section in self._sections
            if section.members[0].part.item.callee is not None
        }
        for path in dict.fromkeys(p[:n] for p in sections for n in range(1, len(p) + 1)):
            section = sections.get(path)
            if section is None:  # what has parts, but no `forward`
                self._put(8, self._placed(path, "nn.Module()"))
            elif section.loop is None:
                self._make(section)
            else:
                self._put(8, f"{section.rounds(self._names)}:")
                for member in section.members:
                    self._put(12, self._made(member, member.construction(self._names)))

    def _make(self, section: Section) -> None:
        """Makes a single part, if it is wanted."""
        member = section.members[0]
        item = member.part.item
        if item.shares is not None:
            self._put(8, self._made(member, self._access(item.shares)) + _SHARED)
            return
        made = member.construction(self._names)
        if section.figure.parameter is None:
            self._put(8, self._made(member, made))
            return
        flag = section.figure.text(self._names)
        choice = self._made(member, f"{made} if {flag} else nn.Identity()")
        if len(choice) + 8 <= WIDTH:
            self._put(8, choice)
            return
        self._put(8, f"if {flag}:")
        self._put(12, self._made(member, made))
        self._put(8, "else:")
        self._put(12, self._made(member, "nn.Identity()"))

    def _share_weights(self) -> None:
        for tie in self._body.ties:
            user, owner = self._access(tie.user), self._access(tie.owner)
            if not tie.tensors:
                self._put(8, self._placed(tie.user, owner) + _SHARED)
            for tensor in tie.tensors:
                self._put(8, f"{user}.{tensor} = {owner}.{tensor}{_SHARED}")

    def _freeze(self, frozen: Sequence[Path]) -> None:
        """Keeps parts from learning."""
        parts = [self._part(path) for path in frozen]
        if len(parts) > _MOST_FROZEN_APART:
            self._put(8, f"for part in ({', '.join(parts)}):")
            self._put(12, "part.requires_grad_(False)")
            return
        for part in parts:
            self._put(8, f"{part}.requires_grad_(False)")

    def _made(self, member: Member, made: str) -> str:
        """The statement that puts `made` in the place of a part."""
        name = member.name(self._names)
        if name.startswith("f"):
            return f"self.add_module({name}, {made})"
        return self._placed(member.part.item.path, made)

    def _placed(self, path: Path, made: str) -> str:
        if self._is_dict and len(path) == 1:
            return f'self["{path[0]}"] = {made}'
        parent = self._access(path[:-1])
        if is_plain(path[-1]):
            return f"{parent}.{path[-1]} = {made}"
        return f'{parent}.add_module("{path[-1]}", {made})'

    def _part(self, path: Path) -> str:
        """A module or a parameter of the network as code."""
        plain = len(path) > 1 and is_plain(path[-1])
        return f"{self._access(path[:-1])}.{path[-1]}" if plain else self._access(path)

    # ----- forward -----

    def _access(self, path: Path) -> str:
        """The part that stands at `path`."""
        if self._is_dict and len(path) == 1:
            return f'self["{path[0]}"]'
        if all(map(is_plain, path)):
            return ".".join(["self", *path])
        return f'self.get_submodule("{".".join(path)}")'

    def _call(self, item: Item) -> str:
        """The call of an item; `{0}` … stand for its inputs."""
        kept = {name: f"self.{name}" for name in self._names}
        call = item.call.replace("{module}", self._access(item.path))
        for argument, figure in self._members[id(item)].arguments:
            if argument.in_call:
                call = call.replace(f"{{{argument.name}}}", figure.text(kept))
        return call
