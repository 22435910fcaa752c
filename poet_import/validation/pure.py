"""What any function may use: parts of the language and its library that can only compute.

An attribute is listed because it reads and changes nothing but its arguments, and hands out nothing that does more.
What is left out is left out for a reason: it reaches the system (``json.codecs``, ``random.SystemRandom``), changes the
process (``decimal.setcontext``, ``random.seed``), reads a clock, takes names or code as texts (``operator.attrgetter``,
``string.Formatter``), or can be made to write or read elsewhere.
"""

from __future__ import annotations

import builtins
import datetime as dt
import decimal
import fractions
import importlib
import re
from collections import Counter, OrderedDict, defaultdict, deque
from functools import cache
from types import ModuleType
from typing import Final

BUILTINS: Final = frozenset(
    """abs all any ascii bin bool bytearray bytes callable chr complex dict divmod enumerate filter float
    frozenset hash hex id int isinstance issubclass iter len list map max memoryview min next object oct ord pow range
    repr reversed round set slice sorted str sum tuple zip format aiter anext
    None True False Ellipsis NotImplemented __debug__""".split()
)

_LISTED: Final = {
    "base64": "b16decode b16encode b32decode b32encode b64decode b64encode b85decode b85encode standard_b64decode "
    "standard_b64encode urlsafe_b64decode urlsafe_b64encode",
    "binascii": "a2b_base64 a2b_hex b2a_base64 b2a_hex crc32 crc_hqx hexlify unhexlify Error",
    "bisect": "bisect bisect_left bisect_right insort insort_left insort_right",
    "calendar": "isleap leapdays month_abbr month_name monthrange timegm weekday day_abbr day_name monthcalendar",
    "cmath": "*",
    "csv": "DictReader Error QUOTE_ALL QUOTE_MINIMAL QUOTE_NONE QUOTE_NONNUMERIC reader",
    "collections": "ChainMap Counter OrderedDict defaultdict deque",
    "collections.abc": "*",
    "colorsys": "hls_to_rgb hsv_to_rgb rgb_to_hls rgb_to_hsv rgb_to_yiq yiq_to_rgb",
    "copy": "copy deepcopy",
    "datetime": "MAXYEAR MINYEAR UTC date datetime time timedelta timezone tzinfo",
    "decimal": "Context Decimal DivisionByZero Inexact InvalidOperation Overflow Rounded Underflow ROUND_CEILING "
    "ROUND_DOWN ROUND_FLOOR ROUND_HALF_DOWN ROUND_HALF_EVEN ROUND_HALF_UP ROUND_UP ROUND_05UP DecimalException",
    "difflib": "SequenceMatcher get_close_matches ndiff unified_diff context_diff",
    "email.utils": "formataddr getaddresses parseaddr parsedate parsedate_to_datetime parsedate_tz mktime_tz quote "
    "unquote format_datetime",
    "fractions": "Fraction",
    "functools": "cmp_to_key partial reduce",
    "hashlib": "blake2b blake2s md5 new sha1 sha224 sha256 sha384 sha3_224 sha3_256 sha3_384 sha3_512 sha512 shake_128 "
    "shake_256",
    "heapq": "heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest",
    "hmac": "compare_digest digest new",
    "html": "escape unescape",
    "http": "HTTPMethod HTTPStatus",
    "ipaddress": "AddressValueError IPv4Address IPv4Network IPv6Address IPv6Network ip_address ip_interface ip_network",
    "itertools": "*",
    "json": "JSONDecodeError dumps loads",
    "keyword": "iskeyword issoftkeyword",
    "math": "*",
    "numbers": "Complex Integral Number Rational Real",
    "operator": "abs add and_ concat contains countOf eq floordiv ge gt index indexOf inv invert is_ is_not itemgetter "
    "le lshift lt matmul mod mul ne neg not_ or_ pos pow rshift sub truediv truth xor getitem",
    "posixpath": "basename commonprefix dirname isabs join normpath split splitext",
    "re": "A ASCII DOTALL I IGNORECASE M MULTILINE Match Pattern S U UNICODE VERBOSE X compile error escape findall "
    "finditer fullmatch match search split sub subn NOFLAG RegexFlag",
    "shlex": "join quote",
    "statistics": "NormalDist StatisticsError correlation covariance fmean geometric_mean harmonic_mean "
    "linear_regression mean median median_grouped median_high median_low mode multimode pstdev pvariance quantiles "
    "stdev variance",
    "string": "ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable punctuation "
    "whitespace",
    "struct": "Struct calcsize error iter_unpack pack unpack unpack_from",
    "textwrap": "dedent fill indent shorten wrap",
    "types": "MappingProxyType NoneType",
    "unicodedata": "bidirectional category combining decimal digit is_normalized lookup name normalize numeric "
    "east_asian_width mirrored",
    "urllib.parse": "ParseResult SplitResult parse_qs parse_qsl quote quote_plus unquote unquote_plus unquote_to_bytes "
    "quote_from_bytes urldefrag urlencode urljoin urlparse urlsplit urlunparse urlunsplit",
    "uuid": "NAMESPACE_DNS NAMESPACE_OID NAMESPACE_URL NAMESPACE_X500 UUID uuid3 uuid5",
    "zlib": "adler32 crc32",
    "typing": "*",
    "__future__": "annotations",
    "contextlib": "nullcontext suppress",
    "dataclasses": "asdict astuple fields is_dataclass replace",
}
# Evaluates texts as code, makes classes by name, marks what it is given, keeps a registry, or prints.
_NOT_EVEN_IN: Final = {
    "typing": frozenset(
        """get_type_hints ForwardRef NamedTuple TypedDict NewType clear_overloads dataclass_transform final
        get_overloads no_type_check no_type_check_decorator overload
        override reveal_type runtime_checkable evaluate_forward_ref
        type_check_only TypeAliasType""".split()
    )
}

_TYPES: Final = (
    *(bool, bytearray, bytes, complex, dict, float, frozenset, int, list, memoryview, range, set, slice, str, tuple),
    *(BaseException, StopIteration, UnicodeDecodeError, UnicodeEncodeError, ImportError, KeyError),
    *(Counter, OrderedDict, defaultdict, deque, re.Match, re.Pattern),
    *(dt.date, dt.datetime, dt.time, dt.timedelta, dt.timezone),
    *(decimal.Decimal, fractions.Fraction),
)
# ``format`` walks attributes by its text; the rest reads a clock, or changes what is shared.
_NOT_METHODS: Final = frozenset(
    "format format_map now today utcnow fromtimestamp utcfromtimestamp with_traceback obj release".split()
)
_FURTHER_METHODS: Final = frozenset(
    """digest hexdigest digest_size block_size mean stdev variance median cdf pdf inv_cdf quantiles zscore overlap
    ratio quick_ratio real_quick_ratio get_matching_blocks get_opcodes set_seqs set_seq1 set_seq2
    scheme netloc path params query fragment username password hostname port geturl is_integer
    hex int bytes fields version variant urn value phrase network_address broadcast_address netmask prefixlen
    num_addresses hosts is_private is_loopback is_global is_multicast is_link_local is_reserved subnets supernet
    _asdict _fields _make _replace
    msg doc pos lineno colno errno strerror filename exceptions total unpack pack size""".split()
)
METHODS: Final = (
    frozenset(name for kind in _TYPES for name in dir(kind) if not name.startswith("_")) | _FURTHER_METHODS
) - _NOT_METHODS

# Of objects that outlive the call, these may change them.
MUTATORS: Final = frozenset(
    """add append appendleft clear difference_update discard extend extendleft insert intersection_update move_to_end
    pop popitem popleft remove reverse rotate setdefault sort subtract symmetric_difference_update update""".split()
)
# These do more where their object is not of a built-in kind: ``Path.replace`` moves a file.
CHANGERS: Final = MUTATORS | {"replace"}


@cache
def is_listed(module: str, name: str) -> bool:
    """Tell whether a module of the library gives a name to any function."""
    listed = _LISTED.get(module)
    if listed is None or name.startswith("_"):
        return False
    if listed == "*":
        return name in _public_names(module) - _NOT_EVEN_IN.get(module, frozenset())
    return name in listed.split()


def _public_names(module: str) -> set[str]:
    """Return what a module of the library gives to those who import it; the modules that it imports are left out."""
    loaded = importlib.import_module(module)
    names = getattr(loaded, "__all__", None) or vars(loaded)
    return {name for name in names if not isinstance(getattr(loaded, name, None), ModuleType)}


def is_pure_module(module: str) -> bool:
    """Tell whether some of a module's names are open to any function."""
    return module in _LISTED


@cache
def is_exception(name: str) -> bool:
    """Tell whether a built-in name is an exception that a function may raise and catch; those that end it are not."""
    value = getattr(builtins, name, None)
    return isinstance(value, type) and issubclass(value, Exception)
