"""Where a fault may be made, and which: a walk through clang's syntax tree.

A place is a stretch of a source file. Each fault there has an operator, the text that the mutant means, and the form in
which both texts stand in one build: `{inner}` is what was written (with the faults inside it), `{mutated}` the fault's
text, and `weir_mutant(K)` asks whether this one is meant (switch.hpp).
"""

import collections
import pathlib
import re
import sys

try:
    import clang.cindex as ci
except ImportError:  # Debian's packages are for Debian's python3; the binding is plain Python
    sys.path.append("/usr/lib/python3/dist-packages")
    try:
        import clang.cindex as ci
    except ImportError:
        ci = None

OPERATORS = {
    "comparison": "== and !=",
    "boundary": "< and <=, > and >=",
    "logic": "&& and ||",
    "negation": "the condition of if, while, do, for and ?:",
    "call left out": "a call that is a statement, also an awaited one",
    "assignment left out": "an assignment, ++ or -- that is a statement",
    "constant": "0 and 1, true and false",
    "off by one": "one more or less than an integer that is returned, assigned or initialises a variable",
    "early return": "at the beginning of a function or lambda that returns nothing",
    "reset left out": "std::exchange(x, y) gives x and leaves it as it is",
}

SWAPPED = {"<": ("<=", "boundary"), "<=": ("<", "boundary"), ">": (">=", "boundary"), ">=": (">", "boundary"),
           "==": ("!=", "comparison"), "!=": ("==", "comparison"), "&&": ("||", "logic"), "||": ("&&", "logic")}
INTEGERS = {"INT", "UINT", "LONG", "ULONG", "LONGLONG", "ULONGLONG"}
COMPILE_TIME = {
    "STATIC_ASSERT": "static_assert", "ENUM_CONSTANT_DECL": "enumerator", "CONCEPT_DECL": "requires",
    "REQUIRES_EXPR": "requires", "CONCEPT_SPECIALIZATION_EXPR": "requires", "CXX_UNARY_EXPR": "unevaluated",
    "TYPE_ALIAS_DECL": "template argument", "TYPE_ALIAS_TEMPLATE_DECL": "template argument",
    "TEMPLATE_NON_TYPE_PARAMETER": "template argument", "TEMPLATE_TYPE_PARAMETER": "template argument",
    "PARM_DECL": "default argument"}
FUNCTIONS = {"FUNCTION_DECL", "CXX_METHOD", "FUNCTION_TEMPLATE", "CONSTRUCTOR", "DESTRUCTOR", "CONVERSION_FUNCTION"}
LOOPS = {"FOR_STMT", "WHILE_STMT", "CXX_FOR_RANGE_STMT", "DO_STMT"}
SWITCHED = "(weir_mutant(K) ? ({mutated}) : ({inner}))"
LOCK = re.compile(r"^(const )?std::(lock_guard|unique_lock|scoped_lock)\b|^typename \w+::(\w+_)?lock\b")


class Place:
    """A stretch of a file, and what may be done to it: (operator, form, what the mutant says)."""

    def __init__(self, file, start, end):
        self.file, self.start, self.end, self.ways = file, start, end, []


def kind(cursor):
    try:
        return cursor.kind.name
    except ValueError:  # newer than the binding
        return "UNKNOWN"


def is_expression(cursor):
    try:
        return cursor.kind.is_expression()
    except ValueError:
        return False


def span(cursor):
    return cursor.extent.start.offset, cursor.extent.end.offset


def first_argument(call):
    """Of the text `f(a, b)`: a."""
    depth, begin = 0, call.index("(") + 1
    for at in range(begin, len(call)):
        depth += {**dict.fromkeys("([{", 1), **dict.fromkeys(")]}", -1)}.get(call[at], 0)
        if depth == 0 and call[at] == ",":
            return call[begin:at]
    return call[begin:-1]


class Finder:
    """Collects the places of the files it is given. `skipped` counts what it passed by, by reason."""

    def __init__(self, root):
        self.root, self.text, self.places, self.macros = str(root), {}, {}, {}
        self.skipped = collections.Counter()
        self.counted, self.braces = set(), 0

    def take(self, unit, wanted):
        """The places of a parsed unit that lie in one of the wanted files (names relative to the root)."""
        self.macros = collections.defaultdict(list)
        for cursor in unit.cursor.get_children():
            name = self.name_of(cursor)
            if name not in wanted:
                continue
            if name not in self.text:
                self.text[name] = (pathlib.Path(self.root) / name).read_bytes()
            if kind(cursor) == "MACRO_INSTANTIATION":
                self.macros[name].append(span(cursor))
            elif kind(cursor) not in ("MACRO_DEFINITION", "INCLUSION_DIRECTIVE"):
                self.file, self.source = name, self.text[name]
                self.walk(cursor, None)

    def name_of(self, cursor):
        file = cursor.location.file
        return file and file.name.removeprefix(self.root + "/")

    def sorted(self):
        return [self.places[key] for key in sorted(self.places)]

    # -- small questions about the text

    def said(self, start, end):
        return self.source[start:end].decode()

    def statement_end(self, end):
        found = re.compile(rb"\s*;").match(self.source, end)
        return found.end() if found else None

    def closing(self, at):
        """The parenthesis that closes the first one from `at` on."""
        depth = 0
        tokens = rb'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'|//[^\n]*|[()]'
        for m in re.compile(tokens).finditer(self.source, at):
            depth += {b"(": 1, b")": -1}.get(m.group(), 0)
            if depth == 0 and m.group() == b")":
                return m.start()
        return at

    def skip(self, reason, *where):
        if (self.file, reason, *where) not in self.counted:
            self.counted.add((self.file, reason, *where))
            self.skipped[reason] += 1

    def add(self, start, end, operator, form, mutated, skip):
        if any(a < end and start < b for a, b in self.macros[self.file]):
            skip = skip or "macro"
        if form == SWITCHED and re.search(r"\bco_(await|yield)\b", self.said(start, end)):
            skip = skip or "co_await between two results"
        if skip:
            self.skip(skip, operator, start, mutated)
            return
        place = self.places.setdefault((self.file, start, end), Place(self.file, start, end))
        if all(operator != way[0] or mutated != way[2] for way in place.ways):
            place.ways.append((operator, form, mutated))

    # -- the walk

    def walk(self, cursor, skip):
        name, children = kind(cursor), list(cursor.get_children())
        start, end = span(cursor)
        if self.name_of(cursor) not in (None, self.file):
            return
        said = self.said(start, end)
        skip = skip or COMPILE_TIME.get(name)
        if is_expression(cursor) and re.match(r"(noexcept|requires)\b", said):
            skip = skip or said[:8].strip("( ")
        if name in FUNCTIONS or name == "LAMBDA_EXPR":
            skip = self.function(cursor, name, children, skip)
        if name in ("VAR_DECL", "FIELD_DECL"):
            if re.search(r"\b(constexpr|constinit|static const)\b", said.split("=")[0]):
                skip = skip or "constexpr variable"
            if LOCK.match(said):
                self.skip("lock: left to the explorer and the thread sanitizer", start)
        if name == "DECL_REF_EXPR" and "memory_order_" in said:
            self.skip("memory order: left to the explorer and the thread sanitizer", start)
        self.expressions(cursor, name, children, said, skip)

        self.braces += name == "INIT_LIST_EXPR"
        for i, child in enumerate(children):
            inner = skip
            if name == "IF_STMT" and said.startswith("if constexpr") and span(child)[1] <= self.closing(start):
                inner = inner or "if constexpr"
            if name == "CASE_STMT" and i == 0:
                inner = inner or "case label"
            if self.in_angles(cursor, name, children[:i], child):
                inner = inner or "template argument"
            if is_expression(child) and self.is_statement(name, children, i, start):
                self.statement(child, inner)
            if name == "RETURN_STMT":
                self.integer(child, inner)
            self.walk(child, inner)
        self.braces -= name == "INIT_LIST_EXPR"

    def function(self, cursor, name, children, skip):
        body = [child for child in children if kind(child) == "COMPOUND_STMT"]
        if not body:
            return skip
        head = self.said(span(cursor)[0], span(body[-1])[0])
        for word in re.findall(r"\b(noexcept(?=\s*\()|requires)\b", head):
            self.skip(word, span(cursor)[0])
        if name != "LAMBDA_EXPR" and re.search(r"\bconst(expr|eval)\b", head):
            skip = skip or "constexpr function"
        at, stop = span(body[-1])
        inside = self.said(at + 1, stop - 1)
        if name == "LAMBDA_EXPR":
            void = not re.search(r"\bco_\w+\b|\breturn\s*[^;\s]", inside) and "->" not in head
        else:
            void = name not in ("CONSTRUCTOR", "DESTRUCTOR") and cursor.result_type.kind.name == "VOID"
        if void and inside.strip():
            self.add(at, at + 1, "early return", "{{ if (weir_mutant(K)) return;", "{ return;", skip)
        return skip

    def in_angles(self, cursor, name, earlier, child):
        if name in ("DECL_REF_EXPR", "TEMPLATE_REF"):
            return True
        at = span(child)[0]
        if name in ("VAR_DECL", "FIELD_DECL", "CXX_METHOD", "FUNCTION_DECL") and at < cursor.location.offset:
            return True
        for ref in earlier:
            if kind(ref) in ("TEMPLATE_REF", "OVERLOADED_DECL_REF"):
                gap = self.said(span(ref)[1], at).replace("->", "")
                if gap.lstrip().startswith("<") and gap.count("<") > gap.count(">"):
                    return True
        return name == "MEMBER_REF_EXPR" and at >= cursor.location.offset

    def is_statement(self, name, children, i, start):
        if name == "COMPOUND_STMT":
            return True
        if name in ("IF_STMT", "WHILE_STMT"):
            return span(children[i])[0] > self.closing(start)
        if name == "DO_STMT":
            return i == 0
        return i == len(children) - 1 and (name in LOOPS or name in ("CASE_STMT", "DEFAULT_STMT"))

    def statement(self, cursor, skip):
        start, end = span(cursor)
        said, stop = self.said(start, end), self.statement_end(end)
        if stop is None or re.match(r"throw\b|delete\b|static_cast<void>|\(void\)", said):
            return
        if re.search(r"[.>](reserve|shrink_to_fit)\([^()]*\)$", said):
            self.skip("reserve: only memory and time", start)
            return
        changes = (kind(cursor) in ("COMPOUND_ASSIGNMENT_OPERATOR", "UNARY_OPERATOR")
                   or re.match(r"[\w\s.:>()\[\]*-]*?(?<![=!<>])[-+|&^]?=(?!=)", said) or re.match(r"(\+\+|--)", said))
        operator = "assignment left out" if changes else "call left out"
        self.add(start, stop, operator, "{{ if (!weir_mutant(K)) {{ {inner} }} }}", "", skip)

    def integer(self, cursor, skip):
        start, end = span(cursor)
        said = self.said(start, end)
        if (not is_expression(cursor) or cursor.type.get_canonical().kind.name not in INTEGERS
                or re.fullmatch(r"[01]", said)):
            return
        for sign in "+-":
            self.add(start, end, "off by one", "(({inner}) %s (weir_mutant(K) ? 1 : 0))" % sign,
                     "(%s) %s 1" % (said, sign), skip)

    def negate(self, cursor, skip):
        start, end = span(cursor)
        self.add(start, end, "negation", "(weir_mutant(K) != static_cast<bool>({inner}))",
                 f"!({self.said(start, end)})", skip)

    def expressions(self, cursor, name, children, said, skip):
        start, end = span(cursor)
        inside = [child for child in children if is_expression(child)]
        if len(inside) >= 2 and (name in ("BINARY_OPERATOR", "UNKNOWN", "UNEXPOSED_EXPR")
                                 or name == "CALL_EXPR" and cursor.spelling.startswith("operator")):
            (a, b), (d, e) = span(inside[0]), span(inside[-1])
            between = self.said(b, d).strip()
            if a == start and e == end and between in SWAPPED:
                other, operator = SWAPPED[between]
                left, right = self.said(a, b), self.said(d, e)
                mutated = f"({left}) {other} ({right})" if operator == "logic" else f"{left} {other} {right}"
                self.add(start, end, operator, SWITCHED, mutated, skip)
            if between == "=" and e == end:
                self.integer(inside[-1], skip)
        if name == "COMPOUND_ASSIGNMENT_OPERATOR" and inside:
            self.integer(inside[-1], skip)
        if name == "VAR_DECL" and inside and self.source[:span(inside[-1])[0]].rstrip().endswith(b"="):
            self.integer(inside[-1], skip)
        if name in ("IF_STMT", "WHILE_STMT"):
            close = self.closing(start)
            head = [child for child in children if span(child)[1] <= close]
            if head and is_expression(head[-1]):
                self.negate(head[-1], "if constexpr" if said.startswith("if constexpr") else skip)
        if name == "DO_STMT" and inside:
            self.negate(inside[-1], skip)
        if name == "FOR_STMT":
            self.for_condition(cursor, children, skip)
        if name == "CONDITIONAL_OPERATOR" and inside:
            self.negate(inside[0], skip)
        if name in ("INTEGER_LITERAL", "CXX_BOOL_LITERAL_EXPR") and said in ("0", "1", "true", "false"):
            other = {"0": "1", "1": "0", "true": "false", "false": "true"}[said]
            before = self.source[:start].rstrip()[-1:]
            if said in ("0", "1") and (before in (b"{", b"[", b":") or self.braces):
                skip = skip or "integer in braces, brackets or a bit-field"
            self.add(start, end, "constant", SWITCHED, other, skip)
        if name == "CALL_EXPR" and said.startswith("std::exchange(") and self.closing(start) + 1 == end:
            self.add(start, end, "reset left out", SWITCHED, first_argument(said), skip)

    def for_condition(self, cursor, children, skip):
        """What stands between the two semicolons of the head."""
        start = span(cursor)[0]
        close = self.closing(start)
        first = self.source.find(b";", start, close)
        second = self.source.find(b";", first + 1, close) if first >= 0 else -1
        for child in children:
            a, b = span(child)
            if second >= 0 and is_expression(child) and first < a and b <= second:
                self.negate(child, skip)
