"""A small sound pack as files, for tests that put one thing wrong, or that need trees which stay as they are."""

from pathlib import Path

from sado.menus.gsm import Budget
from sado.menus.pack import Pack
from sado.menus.reading import check, pack
from sado.menus.reading.faults import Fault
from sado.menus.tree import Tree

SHARED = """\
languages:
  en: {name: English, locale: en}
  ru: {name: Русский, locale: ru}
default_language: en
start: root
first_contact: lang
resume: resume
back: {en: Back, ru: Назад}
more: {en: More, ru: Ещё}
words:
  "yes": {en: "Yes", ru: Да}
  place_sure: {en: "{place}?", ru: "{place}?"}
  place_again: {en: Again, ru: Снова}
  place_list: {en: List, ru: Список}
  place_which: {en: "Which?", ru: "Какой?"}
  place_region: {en: "Region:", ru: "Область:"}
  filing_wait: {en: "From {send_from}.", ru: "С {send_from}."}
  filing_again: {en: Send, ru: Отправить}
  filing_confirm: {en: "Type {digit}.", ru: "Введите {digit}."}
  sms_spent: {en: No more today., ru: Сегодня больше нет.}
errors:
  choice: {en: A number from the list., ru: Только номер.}
  digits:
    en: {by: n, one: "{n} digit.", other: "{n} digits."}
    ru: {by: n, one: "{n} цифра.", few: "{n} цифры.", many: "{n} цифр.", other: "{n} цифры."}
  number: {en: A number., ru: Число.}
  date: {en: A date., ru: День.}
  year: {en: A year., ru: Год.}
  phone: {en: A phone number., ru: Телефон.}
  name: {en: A name., ru: Имя.}
  text: {en: Words., ru: Слова.}
  serial: {en: A number., ru: Номер.}
  place: {en: A town., ru: Город.}
  busy: {en: Later., ru: Позже.}
fields: {tin: 9}
place_words: [city, город]
placeholders:
  n: "10"
  ref: "0070000017"
  pin: "4821"
  date: 14.07.2026
  due: 14.07.2026
  answer: ""
  send_from: "14.07.2026 10:30"
  digit: "7"
  title: {en: "Form: water", ru: "Форма: вода"}
  found: ""
  cases: "100"
  tin: "123456789"
  reference: "0070000017"
fixed_placeholders: {hotline: "1339"}
country: TJ
routing: {water: AGE}
kinds: {complaint: {en: Complaint, ru: Жалоба}}
topics: {water: {en: Water, ru: Вода}}
statuses: {received: {en: Saved, ru: Сохранено}}
messages: {news: {en: "No {ref}: news", ru: "{ref}: новость"}, unknown: {en: Dial., ru: Наберите.}}
sms: {price: "0.10"}
"""
BASE = """\
lang: {type: language, go: root}
resume:
  type: choice
  text: {en: "Continue?", ru: "Продолжить?"}
  options:
    - {go: resume.take, text: {en: "Yes: {title}", ru: "Да: {title}"}}
    - {go: root, text: {en: Anew, ru: Сначала}}
    - {go: resume.drop, text: {en: Not needed, ru: Не нужно}}
resume.take: {type: action, effect: take_up, go: {gone: root}}
resume.drop: {type: action, effect: drop_form, go: {done: root}}
root:
  type: choice
  options:
    - {go: odd, text: {en: Odd, ru: Новое}}
    - {go: end, text: {en: End, ru: Конец}}
end: {type: notice, text: {en: Bye, ru: Пока}}
"""
ODD = "odd: {type: notice, text: {en: Odd, ru: Новое}}\n"
LAW = """\
time_zone: UTC
answer_days: 30
short_days: 15
extension_days: 30
extensions: 1
forward_days: 5
acknowledge_working_days: 3
kinds: {complaint: {}}
retention: {complaint: {nameless_days: 100, deleted_days: 200}}
weekend: [6, 7]
moves_off_weekends: false
yearly_holidays: {}
dated_holidays: {}
dated_working_days: {}
"""
REGISTERS = """\
r:
  agency: AGE
  title: {en: Register, ru: Реестр}
  fresh_days: 7
  id: [tin]
  find_by: [[tin], []]
  line: {en: "{tin}", ru: "{tin}"}
  fields:
    tin: {type: digits, length: 9, label: {en: TIN, ru: ИНН}}
"""
DISTRICTS = """\
code,region_iso,short_en,short_ru,full_en,full_ru,other_names,former_names
T-1,R,Toptown,Топ,Toptown city,город Топ,,
T-2,R,Bottom,Дно,Bottom city,город Дно,,
"""
REGIONS = "iso,short_en,short_ru\nR,Region,Область\n"
AGENCIES = "code,name_en,name_ru\nAGE,Agency,Ведомство\n"


def small(odd: str = ODD, **trees: str) -> dict[str, bytes]:
    """The files of a sound pack; its main menu leads to the screen `odd`. Each of `trees` is a file beside."""
    files = {
        "pack.yaml": SHARED,
        "law.yaml": LAW,
        "registers.yaml": REGISTERS,
        "districts.csv": DISTRICTS,
        "regions.csv": REGIONS,
        "agencies.csv": AGENCIES,
        "trees/base.yaml": BASE + odd,
        **{f"trees/{name}.yaml": content for name, content in trees.items()},
    }
    return {name: content.encode() for name, content in files.items()}


def faults(files: dict[str, bytes]) -> list[Fault]:
    """Everything that is wrong with a pack of these files."""
    found = pack.examine("small", files)
    if found.pack is None or found.faults:
        return sorted(found.faults)
    return sorted(check.style(found.pack.tree, found.source.trees, Budget()))


def tree(odd: str = ODD) -> Tree:
    """The tree of the sound pack with this screen."""
    return built(odd).tree


def built(odd: str = ODD) -> Pack:
    """The sound pack with this screen."""
    return pack.build("small", small(odd))


def written(folder: Path, files: dict[str, bytes]) -> Path:
    """The pack as a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
