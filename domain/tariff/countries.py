"""Countries for pricing: the continent of each, and the dialling prefixes that lead to each (T-2).

Countries are those of ISO 3166-1 and Kosovo (XK). Continents follow the UN's geoscheme (M49) with America parted at
Panama, and with Cyprus in Europe, where its dialling code is. A price list that sees a country elsewhere names it.
"""

from collections.abc import Mapping
from typing import Final

HOME_COUNTRY: Final = "UZ"
HOME_CODE: Final = "998"

_COUNTRIES_OF_CONTINENT: Final = {
    "AF": """
        AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW IO KE KM LR LS LY MA MG ML MR MU MW
        MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TF TG TN TZ UG YT ZA ZM ZW
    """,
    "AN": "AQ",
    "AS": """
        AE AF AM AZ BD BH BN BT CN GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY NP OM PH
        PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE
    """,
    "EU": """
        AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD
        ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK
    """,
    "NA": """
        AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV SX
        TC TT US VC VG VI
    """,
    "OC": "AS AU CC CK CX FJ FM GU HM KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS",
    "SA": "AR BO BR BV CL CO EC FK GF GS GY PE PY SR UY VE",
}

# Networks of no country: satellites, ships, universal numbers. A price list prices them by prefixes or not at all.
GLOBAL_CODES: Final = ("800", "808", "870", "878", "881", "882", "883", "888", "979")

# Codes that several countries share are told apart by the digits that follow. Where a country has no range of its own
# (BV, GS, HM, PN, TF, UM) a call to it is a call to the country whose code it uses. Ascension (247) and Tristan da
# Cunha (290 8) are SH in ISO 3166-1. +7 6 is kept for Kazakhstan; +672 1 is the Australian part of Antarctica.
_PREFIXES_OF_COUNTRY: Final = """
    US 1; CA 1204 1226 1236 1249 1250 1257 1263 1273 1289 1306 1343 1354 1365 1367 1368 1382 1403 1416 1418 1428
    1431 1437 1438 1450 1468 1474 1506 1514 1519 1548 1579 1581 1584 1587 1600 1604 1613 1622 1633 1639 1647
    1672 1683 1705 1709 1742 1753 1778 1780 1782 1807 1819 1825 1867 1873 1879 1902 1905 1942; BS 1242; BB 1246;
    AI 1264; AG 1268; VG 1284; VI 1340; KY 1345; BM 1441; GD 1473; TC 1649; JM 1658 1876; MS 1664; MP 1670;
    GU 1671; AS 1684; SX 1721; LC 1758; DM 1767; VC 1784; PR 1787 1939; DO 1809 1829 1849; TT 1868; KN 1869;
    EG 20; SS 211; MA 212; EH 2125288 2125289; DZ 213; TN 216; LY 218; GM 220; SN 221; MR 222; ML 223; GN 224;
    CI 225; BF 226; NE 227; TG 228; BJ 229; MU 230; LR 231; SL 232; GH 233; NG 234; TD 235; CF 236; CM 237;
    CV 238; ST 239; GQ 240; GA 241; CG 242; CD 243; AO 244; GW 245; IO 246; SH 247 290; SC 248; SD 249; RW 250;
    ET 251; SO 252; DJ 253; KE 254; TZ 255; UG 256; BI 257; MZ 258; ZM 260; MG 261; RE 262;
    YT 2622689 262269 26263 2627093 2629398 2629478 2629769; ZW 263; NA 264; MW 265; LS 266; BW 267; SZ 268;
    KM 269; ZA 27; ER 291; AW 297; FO 298; GL 299;
    GR 30; NL 31; BE 32; FR 33; ES 34; GI 350; PT 351; LU 352; IE 353; IS 354; AL 355; MT 356; CY 357; FI 358;
    AX 35818; BG 359; HU 36; LT 370; LV 371; EE 372; MD 373; AM 374; BY 375; AD 376; MC 377; SM 378; UA 380;
    RS 381; ME 382; XK 383; HR 385; SI 386; BA 387; MK 389; IT 39; VA 3906698;
    RO 40; CH 41; CZ 420; SK 421; LI 423; AT 43; GB 44; GG 441481 447781 447839 4479111 4479117; JE 441534
    447509 4477003 4477007 4477008 447797 447829 447937; IM 441624 4474576 447524 447624; DK 45; SE 46; NO 47;
    SJ 4779; PL 48; DE 49;
    FK 500; BZ 501; GT 502; SV 503; HN 504; NI 505; CR 506; PA 507; PM 508; HT 509; PE 51; MX 52; CU 53; AR 54;
    BR 55; CL 56; CO 57; VE 58; GP 590; MF 59059000 59059007 59059009 59059013 59059030 59059043 59059050
    59059056 59059058 59059077 59059079; BL 59059027 59059029 59059051 59059052 59059087; BO 591; GY 592;
    EC 593; GF 594; PY 595; MQ 596; SR 597; UY 598; CW 599; BQ 5993 5994 5997;
    MY 60; AU 61; CX 61851001 61851030 61851059 61851088 61851117 61851146 61851175 61851222 61851235 6189164
    61891958; CC 61851002 61851031 61851060 61851089 61851118 61851176 61851223 6189162 61891703; ID 62; PH 63;
    NZ 64; SG 65; TH 66; TL 670; NF 672; AQ 6721; BN 673; NR 674; PG 675; TO 676; SB 677; VU 678; FJ 679;
    PW 680; WF 681; CK 682; NU 683; WS 685; KI 686; NC 687; TV 688; PF 689; TK 690; FM 691; MH 692;
    RU 7; KZ 76 77;
    JP 81; KR 82; VN 84; KP 850; HK 852; MO 853; KH 855; LA 856; CN 86; BD 880; TW 886;
    TR 90; IN 91; PK 92; AF 93; LK 94; MM 95; MV 960; LB 961; JO 962; SY 963; IQ 964; KW 965; SA 966; YE 967;
    OM 968; PS 970; AE 971; IL 972; BH 973; QA 974; BT 975; MN 976; NP 977; IR 98; TJ 992; TM 993; AZ 994;
    GE 995; KG 996; UZ 998;
"""


def _continents() -> dict[str, str]:
    return {country: continent for continent, all_of in _COUNTRIES_OF_CONTINENT.items() for country in all_of.split()}


def _prefixes() -> dict[str, str]:
    entries = (entry.split() for entry in _PREFIXES_OF_COUNTRY.split(";"))
    return {prefix: country for country, *prefixes in filter(None, entries) for prefix in prefixes}


CONTINENTS: Final = frozenset(_COUNTRIES_OF_CONTINENT)
CONTINENT_OF_COUNTRY: Final[Mapping[str, str]] = _continents()
COUNTRY_OF_PREFIX: Final[Mapping[str, str]] = _prefixes()
"""Dialling prefix (digits, no plus) to country; the longest that a number begins with tells its country."""
