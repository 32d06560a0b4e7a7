"""What the rules ask of C++ text. No parser: comments and literals are blanked, then braces are counted."""
import re

# Raw strings, ordinary strings, characters (a ' within a number such as 10'000 is none), both kinds of comment.
LITERAL_OR_COMMENT = re.compile(
    r'(?P<raw>R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)")|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<char>(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\')'
    r"|(?P<comment>//[^\n]*|/\*.*?\*/)", re.S)
TYPE_OR_NAMESPACE = re.compile(r"^(?:template\s*<.*>\s*)?(?:inline\s+)?(?:namespace|class|struct|union|enum)\b", re.S)
CONTROL = re.compile(r"^(?:if|for|while|switch|else|do|try|catch|return|case|default)\b")


def code_of(text):
    """`text` with blanks in place of comments and of what literals hold; lines keep their numbers."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])
    return LITERAL_OR_COMMENT.sub(blank, text)


def functions_of(text):
    """(name, first line, lines) of every function that has a body and stands in a namespace or a class.

    Lines count from the first of the declaration to the closing brace. Limits: lambdas belong to the function around
    them; what a macro opens (TEST_CASE) counts as a function of that name; preprocessor branches must each close what
    they open.
    """
    code = re.sub(
        r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda match: re.sub(r"[^\n]", " ", match[0]), code_of(text), flags=re.M
    )
    found, opened, start = [], [], 0  # opened: (is it a scope of declarations, name or None, offset of the declaration)
    parentheses = 0
    for place in re.finditer(r"[{};()]", code):
        what, at = place[0], place.start()
        if what in "()":
            parentheses += 1 if what == "(" else -1
        elif what == "{":
            head = code[start:at].strip()
            declares = all(scope for scope, _, _ in opened)
            is_scope = (
                declares and TYPE_OR_NAMESPACE.match(head) is not None and "(" not in re.sub(r"alignas\s*\(", "", head)
            )
            name = None
            if declares and not is_scope and parentheses == 0 and not CONTROL.match(head):
                name = function_name(head)
            opened.append((is_scope, name, code.index(head, start) if head else at))
            if is_scope or name:
                start = at + 1
        elif what == "}":
            if not opened:
                break
            is_scope, name, begin = opened.pop()
            if name:
                first, last = code.count("\n", 0, begin) + 1, code.count("\n", 0, at) + 1
                found.append((name, first, last - first + 1))
            if all(scope for scope, _, _ in opened) and (is_scope or name):
                start = at + 1
        elif parentheses == 0 and all(scope for scope, _, _ in opened):
            start = at + 1
    return found


def function_name(head):
    """The name of the function that this text declares, None when it declares none (an initialiser in braces)."""
    head = re.sub(r"^(?:(?:public|private|protected)\s*:\s*)+", "", head)
    head = re.sub(r"^template\s*<", "", head)
    if re.search(r"\)\s*(?:noexcept\s*)?:(?!:)", head) and re.search(r"[\w>]$", head):
        return None  # the braces of a member in a constructor's list; the body comes later
    match = re.search(r"((?:[\w:]+::)?operator\s*(?:\(\s*\)|[^\s(]+)|[\w:~]+)\s*\(", head)
    if not match or re.search(r"(?<![=!<>])=(?!=)", head[: match.start()].split("operator")[0].split(">")[-1]):
        return None
    return match[1]
