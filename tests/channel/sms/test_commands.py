"""SMS commands on a station: what each asks, answers and does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sado.cases import access
from sado.cases.authorisation import MOST_ADDED_HERE
from sado.cases.residents import replies
from sado.menus.gsm import encoding, segments
from sado.store import Transaction
from sado.store.tables import attempts, cases, consultation, drafts, subscribers
from sado.store.tables.cases import CaseRow, EventRow
from sado.store.tables.consultation import Tally
from tests.support.kenya import open_kenya
from tests.support.phone import Phone
from tests.support.station import Station, open_station
from tests.support.writer import Writer

HERS, HIS = "+992900000001", "+992900000002"
MATTER = "Дар деҳаи мо се рӯз боз об нест"
FILING = (f"ШИКОЯТ {MATTER}", "1", "Ёвон", "1", "Раҳимова Гулнора", "1")


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    with open_station(tmp_path) as opened:
        yield opened


@pytest.fixture
def writer(station: Station) -> Writer:
    return Writer(station, HERS)


def speaking(station: Station, language: str, msisdn: str = HERS) -> Writer:
    station.store.write(lambda tx: subscribers.remember_language(tx, msisdn, language))
    return Writer(station, msisdn)


def filed(station: Station, writer: Writer) -> tuple[str, str]:
    """(reference, PIN) of an appeal that was filed by SMS."""
    answer = writer.say(*FILING)
    (case,) = station.filed(writer.msisdn)[:1]
    assert case.reference in answer
    return case.reference, answer.partition("рамз ")[2][:4]


def added(station: Station, reference: str) -> list[EventRow]:
    events = station.store.read(lambda tx: cases.events_of(tx, reference))
    return [event for event in events if event.kind == "added"]


# What is written and what comes back, word for word; one dialogue for each command that reads or asks.
DIALOGUES = {
    "help": [
        ("Салом", "Фаҳмида нашуд. КУМАК нависед ё *1339# занед."),
        ("КУМАК", "ҲОЛАТ рақам рамз\nШИКОЯТ матн\nКОР ноҳия\nБАС\nЁ *1339#"),
        ("Справка", "СТАТУС номер код\nЖАЛОБА текст\nРАБОТА район\nСТОП\nИли *1339#"),
        ("help", "STATUS number code\nCOMPLAINT text\nJOBS district\nSTOP\nOr dial *1339#"),
        ("yori!", "HOLAT raqam ramz\nSHIKOYAT matn\nKOR nohiya\nBAS\nYo *1339#"),
    ],
    "complaint": [
        (
            f"ШИКОЯТ {MATTER}",
            "1 Об\n2 Барқ\n3 Роҳ\n4 Партов\n5 Мактаб\n6 Беморхона\n7 Замин\n8 Нафақа\n9 Дигар",
        ),
        ("1", "Номи ноҳия ё шаҳрро нависед (масалан, Ёвон):"),
        ("Ёвон", "ноҳияи Ёвон?\n1 Ҳа\n2 Не, аз нав\n3 Рӯйхат"),
        ("ҳа", "Ному насаб ва номи падар (қонун талаб мекунад):"),
        ("Раҳимова Гулнора", "Шикоят: Об. Маълумотро ба идора фиристем?\n1 Ҳа\n2 Не\n3 Кадом?"),
        ("3", "Ном ва матн ба идора меравад, рақам назди мо мемонад. Ҳама махфист.\n0 Қафо"),
        ("0", "Шикоят: Об. Маълумотро ба идора фиристем?\n1 Ҳа\n2 Не\n3 Кадом?"),
        ("НЕ", "Бекор шуд. Хайр! Ин хизмат ройгон аст."),
    ],
    "proposal in Latin letters": [
        (
            "Taklif: ba dehai mo maktab lozim",
            "1 Ob\n2 Barq\n3 Roh\n4 Partov\n5 Maktab\n6 Bemorkhona\n7 Zamin\n8 Nafaqa\n9 Digar",
        ),
        ("5", "Nomi nohiya yo shahrro navised (masalan, Yovon):"),
    ],
    "status": [
        ("СТАТУС", "С этого телефона обращений нет.\n1 Есть номер заявки\n2 Обратиться"),
        ("1", "Введите номер заявки (10 цифр):"),
        ("007", "Ошибка. Нужно 10 цифр.\nВведите номер заявки (10 цифр):"),
        ("status 0070000018", "The number is wrong. Check what you wrote down.\n1 Try again\n2 Help"),
        ("0070000018", "The number is wrong. Check what you wrote down.\n1 Try again\n2 Help"),
    ],
    "jobs": [
        ("КОР Ёвон", "1 Ронанда\n2 Бинокор\n3 Деҳқон"),
        ("1", "Ронанда, Ёвон\n2 500 сом.\nТел +992900000001"),
        ("кор", "1 Ноҳияи ман\n2 Вилоят\n3 Тамоми ҷумҳурӣ\n4 Хориҷа\n5 Аз рӯи касб\n6 SMS-хабар"),
        ("jobs Bustan", "Buston city?\n1 Yes\n2 No, type again\n3 Show the list"),
    ],
    "office": [
        ("ИДОРА паспорт Ёвон", "Шиноснома Ёвон\nк. Намуна, 1\n+992372000001\nСоати 8-17"),
        ("idora Yovon", "1 Shinosnoma\n2 Andoz\n3 Joyi kor\n4 Kumakpulì\n5 SAHSH (ZAGS)\n6 Hukumat"),
        ("1", "Shinosnoma Yovon\nk. Namuna, 1\n+992372000001\nSoati 8-17"),
        ("АДРЕС налог", "Напишите район или город (например, Яван):"),
    ],
    "licence": [
        ("ИҶОЗАТ АМ 0001234", "Дорухона: ҶДММ «Шифои намуна»\nАмал мекунад то 31.12.2029"),
        ("ИҶОЗАТ 1234", "Дорухона: ҶДММ «Шифои намуна»\nАмал мекунад то 31.12.2029"),
        ("licence am 1234", "Pharmacy: ҶДММ «Шифои намуна»\nValid until 31.12.2029"),
        ("licence", "Licence number (for example 1234 or AM 0001234):"),
    ],
    "tax": [
        ("АНДОЗ 020025789", "Соли таваллуд (масалан, 1985):"),
        ("1901", "Ёфт нашуд\n(маълумоти 15.01.2027)\n1 Аз нав\n2 Аз идора пурсидан\n3 Кумак"),
        ("АНДОЗ 02002578", "Хато. 9 рақам лозим аст.\nРМА (ИНН)-ро нависед, 9 рақам:"),
    ],
    "language": [
        ("ЗАБОН LAT", "HOLAT raqam ramz\nSHIKOYAT matn\nKOR nohiya\nBAS\nYo *1339#"),
        ("СТАТУС", "Az in telefon murojiat nest.\n1 Raqami ariza doram\n2 Murojiat kardan"),
        ("lang ru", "СТАТУС номер код\nЖАЛОБА текст\nРАБОТА район\nСТОП\nИли *1339#"),
        ("забон", "1 Тоҷикӣ\n2 Русский\n3 English\n4 Tojiki"),
        ("3", "STATUS number code\nCOMPLAINT text\nJOBS district\nSTOP\nOr dial *1339#"),
    ],
    "poll": [
        ("НАЗАР", "Дар ҷамоати шумо тасдиқнома дар як рӯз медиҳанд?\n1 Ҳа\n2 Не\n3 Намедонам"),
        ("ҲА", "Ташаккур! Ҷавоби шумо бе ном ҳисоб мешавад."),
        ("VOTE 2", "An answer from this phone is counted already. Thank you!"),
    ],
    "a slip in a choice": [
        ("НАЗАР 7", "Дар ҷамоати шумо тасдиқнома дар як рӯз медиҳанд?\n1 Ҳа\n2 Не\n3 Намедонам"),
        (
            "чӣ?",
            "Хато. Танҳо рақами рӯйхатро нависед.\nДар ҷамоати шумо тасдиқнома дар як рӯз медиҳанд?"
            "\n1 Ҳа\n2 Не\n3 Намедонам",
        ),
        ("3.", "Ташаккур! Ҷавоби шумо бе ном ҳисоб мешавад."),
    ],
    "stop and start": [
        ("БАС", "SMS қатъ шуд. Барои аз нав гирифтан СМС фиристед."),
        ("СМС", "Иҷро шуд. Ба ин рақам аз нав SMS мефиристем."),
    ],
}


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_dialogue_by_sms_reads_as_written(station: Station, writer: Writer, name: str) -> None:
    station.load_samples("vacancies", "offices", "licences", "taxes")
    assert [(text, writer.say(text)) for text, _ in DIALOGUES[name]] == DIALOGUES[name]


@pytest.mark.parametrize("name", DIALOGUES)
def test_no_answer_takes_more_than_two_segments(station: Station, writer: Writer, name: str) -> None:
    station.load_samples("vacancies", "offices", "licences", "taxes")
    answers = [writer.say(text) for text, _ in DIALOGUES[name]]
    assert max(len(segments(answer)) for answer in answers) <= 2


def test_latin_letters_halve_what_an_answer_costs(station: Station) -> None:
    cyrillic, latin = (speaking(station, *who) for who in (("tg", HERS), ("tg-Latn", HIS)))
    first, second = cyrillic.say(f"ШИКОЯТ {MATTER}"), latin.say(f"ШИКОЯТ {MATTER}")
    assert (encoding(first), len(segments(first))) == ("UCS-2", 2)
    assert (encoding(second), len(segments(second))) == ("GSM-7", 1)


@pytest.mark.parametrize(
    ("word", "kind"),
    [("ШИКОЯТ", "complaint"), ("Peshnihod", "proposal"), ("ЗАЯВЛЕНИЕ", "application"), ("request", "request")],
)
def test_each_kind_of_appeal_is_filed_by_its_word(station: Station, writer: Writer, word: str, kind: str) -> None:
    answer = writer.say(f"{word} {MATTER}", *FILING[1:])
    (case,) = station.filed(HERS)
    assert (case.kind, case.text, case.topic, case.name) == (kind, MATTER, "water", "Раҳимова Гулнора")
    assert case.reference in answer


def test_the_language_of_the_word_is_that_of_the_case(station: Station, writer: Writer) -> None:
    writer.say(f"ЖАЛОБА {MATTER}", *FILING[1:])
    assert station.filed(HERS)[0].language == "ru"
    assert station.store.read(lambda tx: subscribers.language_of(tx, HERS)) is None, "she has not chosen it"


def test_a_language_that_was_chosen_is_above_that_of_the_word(station: Station) -> None:
    assert speaking(station, "en").say("КУМАК").startswith("STATUS number code")


def test_an_appeal_without_words_asks_for_them(station: Station, writer: Writer) -> None:
    assert writer.say("ШИКОЯТ", "1", "Ёвон", "1") == "Муроҷиатро кӯтоҳ нависед."
    writer.say(MATTER, "Раҳимова Гулнора", "1")
    assert station.filed(HERS)[0].text == MATTER


def test_what_was_written_is_kept_from_the_first_message_and_goes_on_by_a_call(station: Station) -> None:
    writer = speaking(station, "tg")
    writer.say(FILING[0])
    phone = Phone(station.client, HERS)
    assert phone.dial().startswith("Давом медиҳед?\n1 Ҳа: Шикоят")
    for text in ("1", *FILING[1:]):
        phone.reply(text)
    assert station.filed(HERS)[0].text == MATTER
    assert station.store.read(drafts.count) == 0


def test_status_and_answer_of_ones_own_case_need_no_code(station: Station, writer: Writer) -> None:
    reference, _ = filed(station, writer)
    assert writer.say(f"ҲОЛАТ{reference}") == f"№{reference}: Сабт шуд\n(маълумоти 15.01.2027)"
    assert writer.say(reference) == f"№{reference}: Сабт шуд\n(маълумоти 15.01.2027)"
    assert writer.say(f"ҶАВОБ {reference}") == f"№{reference}: Сабт шуд\n(маълумоти 15.01.2027)"
    station.agency(reference, "registered")
    station.agency(reference, "answered", "Об пайваст шуд.")
    assert writer.say(f"ҶАВОБ {reference}") == "Об пайваст шуд."
    assert writer.say("ответ", "1") == "Об пайваст шуд."


def test_another_phone_needs_the_code(station: Station, writer: Writer) -> None:
    reference, pin = filed(station, writer)
    other = Writer(station, HIS)
    assert other.say(f"ҲОЛАТ {reference}") == "Рамзи чоррақамаро нависед:"
    assert other.say(pin).startswith(f"№{reference}: Сабт шуд")
    assert other.say(f"{reference} {pin}").startswith(f"№{reference}: Сабт шуд")
    wrong = str((int(pin) + 1) % 10000).zfill(4)
    assert other.say(f"ҲОЛАТ {reference} {wrong}").startswith("Ёфт нашуд.")


def test_words_are_added_to_a_case_until_it_is_over(station: Station, writer: Writer) -> None:
    reference, pin = filed(station, writer)
    assert writer.say(f"ИЛОВА {reference} 3 хонаи дигар ҳам", pin) == f"№{reference}: илова сабт шуд."
    assert (
        Writer(station, HIS).say(f"add {reference} Three more houses", pin) == f"No {reference}: your words are added."
    )
    assert [event.text for event in added(station, reference)] == ["3 хонаи дигар ҳам", "Three more houses"]
    station.agency(reference, "registered")
    station.agency(reference, "answered", "Об пайваст шуд.")
    assert writer.say(f"ИЛОВА {reference} боз", pin).startswith(f"№{reference}: баррасӣ тамом шуд.")
    assert len(added(station, reference)) == 2


def test_a_case_that_is_full_takes_no_more_words_and_says_so(station: Station, writer: Writer) -> None:
    reference, pin = filed(station, writer)
    for number in range(MOST_ADDED_HERE):
        name = f"007.full.{number}"
        station.store.write(lambda tx, name=name: cases.add_event(tx, name, reference, "added", "resident", "", tx.now))
    assert writer.say(f"ИЛОВА {reference} боз", pin).startswith(f"№{reference}: дигар илова намешавад.")
    assert "ШИКОЯТ" not in writer.say(f"ШИКОЯТ {MATTER}")


def test_sms_in_her_name_do_not_stop_her_news_without_a_word(station: Station, writer: Writer) -> None:
    while writer.say("КУМАК"):
        pass
    assert writer.say("БАС") == ""
    assert not station.store.read(lambda tx: subscribers.is_muted(tx, HERS))
    assert station.store.write(lambda tx: replies.send(tx, HERS, "asked for on a call")) == "sent"


def test_a_finished_case_is_rated_once(station: Station, writer: Writer) -> None:
    reference, _ = filed(station, writer)
    assert writer.say(f"БАҲО {reference} 4").startswith(f"№{reference}: ҳанӯз ҷавоб нест.")
    station.agency(reference, "registered")
    station.agency(reference, "answered", "Об пайваст шуд.")
    assert writer.say(f"БАҲО {reference} хуб").startswith("Ташаккур!")
    assert writer.say(f"БАҲО {reference} 1").startswith("Баҳои шумо аллакай")
    assert station.store.read(consultation.tallies) == [Tally("sms.rate.mark", "good", 1)]


DIAL = "Бо SMS намешавад. Занг занед: *1339*6*4#"


def test_an_sms_in_her_name_adds_nothing_without_the_code(station: Station, writer: Writer) -> None:
    reference, pin = filed(station, writer)
    wrong = f"{(int(pin) + 1) % 10000:04}"
    assert writer.say(f"ИЛОВА {reference} Ҳамааш хуб аст") == "Рамзи чоррақамаро нависед:"
    assert writer.say(wrong).startswith("Ёфт нашуд.")
    assert added(station, reference) == []


def test_a_guess_by_sms_does_not_lock_the_phone_that_filed_on_a_call(station: Station, writer: Writer) -> None:
    reference, pin = filed(station, writer)
    wrong = f"{(int(pin) + 1) % 10000:04}"
    for _ in range(3):
        said = writer.say(f"ИЛОВА {reference} Ҳамааш хуб аст", wrong)
    assert said.startswith("Хатоҳо зиёданд.")
    assert writer.say(f"ҲОЛАТ {reference}").startswith(f"№{reference}: Сабт шуд")
    call = station.store.write(lambda tx: access.open_for(tx, reference, HERS, ""))
    assert isinstance(call, CaseRow)


def test_an_sms_in_her_name_gives_no_new_code_and_the_old_one_still_opens(station: Station, writer: Writer) -> None:
    reference, pin = filed(station, writer)
    assert writer.say(f"РАМЗ {reference}") == Writer(station, HIS).say(f"РАМЗ {reference}") == DIAL
    assert Writer(station, HIS).say(f"ҲОЛАТ {reference} {pin}").startswith(f"№{reference}: Сабт шуд")


def test_stop_is_confirmed_and_mutes_and_start_ends_it(station: Station, writer: Writer) -> None:
    def is_muted() -> bool:
        return station.store.read(lambda tx: subscribers.is_muted(tx, HERS))

    assert writer.say("STOP").startswith("SMS stopped.")
    assert is_muted()
    assert writer.say("ҲОЛАТ") != "", "who asks is answered"
    writer.say("START")
    assert not is_muted()


@pytest.mark.parametrize(
    "typed", ["СТОПП", "STOPS", "БАСС", "БАС кунед, об нест", "СТОП 1", "НЕСТТ", "НЕСТ об", "УДАЛИТЕ"]
)
def test_nothing_is_muted_or_deleted_by_a_slip(station: Station, typed: str) -> None:
    writer = speaking(station, "tg")
    writer.say(typed, "ҲА", "2")
    assert station.store.read(lambda tx: subscribers.language_of(tx, HERS)) == "tg"
    assert not station.store.read(lambda tx: subscribers.is_muted(tx, HERS))


def test_an_sms_in_her_name_deletes_nothing(station: Station) -> None:
    writer = speaking(station, "tg")
    assert writer.say("НЕСТ") == DIAL
    writer.say("ҲА", "2")
    assert station.store.read(lambda tx: subscribers.msisdn_of(tx, tx.keys.lookup(HERS))) == HERS


def test_an_sms_in_her_name_takes_no_number_off_a_case_without_its_code(station: Station, writer: Writer) -> None:
    reference, pin = filed(station, writer)
    assert writer.say(f"НЕСТ {reference}") == "Рамзи чоррақамаро нависед:"
    writer.say(f"{(int(pin) + 1) % 10000:04}", "ҲА")
    assert len(station.filed(HERS)) == 1


def test_a_number_is_taken_off_a_case_that_was_filed_from_another_phone(station: Station, writer: Writer) -> None:
    reference, pin = filed(station, writer)
    other = Writer(station, HIS)
    assert other.say(f"НЕСТ {reference} {pin}").startswith(f"№{reference}: рақами телефонро нест кунем?")
    assert station.filed(HERS) != []
    assert other.say("ҲА") == f"№{reference}: рақами телефон нест карда шуд."
    assert station.filed(HERS) == []


def test_the_next_page_comes_by_its_word_or_its_number(station: Station) -> None:
    writer = speaking(station, "tg")
    reference, _ = filed(station, writer)
    station.agency(reference, "registered")
    station.agency(reference, "answered", "Лӯлаи об дар кӯчаи шумо иваз карда шуд. " * 9)
    first = writer.say(f"ҶАВОБ {reference}")
    assert first.endswith("99 Боз")
    second, third = writer.say("БОЗ"), writer.say("99")
    assert len({first, second, third}) == 3
    whole = " ".join(page.removesuffix("\n99 Боз") for page in (first, second, third))
    assert whole == ("Лӯлаи об дар кӯчаи шумо иваз карда шуд. " * 9).strip()


def test_a_command_leaves_a_form_unfinished_and_the_form_goes_on_after_it(station: Station, writer: Writer) -> None:
    writer.say(*FILING[:4])
    assert writer.say("КУМАК").startswith("ҲОЛАТ")
    assert writer.say("НАЗАР 1").startswith("Ташаккур!")
    writer.say(*FILING[4:])
    assert station.filed(HERS)[0].text == MATTER


@pytest.mark.parametrize("name", ["Назар Алиев", "Кодиров Нестор", "Шикоятов Кор", "Ҳа Ҳоҷӣ", "Опросов Ариза"])
def test_a_name_that_begins_as_a_command_does_is_a_name(station: Station, writer: Writer, name: str) -> None:
    writer.say(*FILING[:4], name, "1")
    assert station.filed(HERS)[0].name == name


@pytest.mark.parametrize(
    "matter", ["Кор дар деҳаи мо нест", "Шикоят дорам, ки об нест", "Нест об се рӯз", "Ҳа, об нест", "Статус непонятен"]
)
def test_a_matter_that_begins_as_a_command_does_is_the_matter(station: Station, writer: Writer, matter: str) -> None:
    writer.say("ШИКОЯТ", "1", "Ёвон", "1", matter, "Раҳимова Гулнора", "1")
    assert station.filed(HERS)[0].text == matter


@pytest.mark.parametrize("command", ["ҲОЛАТ", "КУМАК", "КОР Ёвон", "STOP", "ЗАБОН RU", "АНДОЗ 020025789 1985"])
def test_a_whole_command_wins_over_a_question_for_words(station: Station, writer: Writer, command: str) -> None:
    asked = writer.say(*FILING[:4])
    assert asked.startswith("Ному насаб")
    assert not writer.say(command).startswith("Шикоят: Об.")
    assert station.store.read(drafts.count) == 1


def test_a_conversation_is_forgotten_after_a_day(station: Station, writer: Writer) -> None:
    writer.say("НАЗАР")
    station.clock.move(23 * 3600)
    assert writer.say("9").startswith("Хато.")
    station.clock.move(25 * 3600)
    assert writer.say("1").startswith("Фаҳмида нашуд.")


def test_the_question_that_was_asked_last_is_answered_first(station: Station, writer: Writer) -> None:
    writer.say(*FILING[:4])
    writer.say("КОР")
    assert writer.say("3") != "", "the third line of the list of jobs"
    assert station.store.read(drafts.count) == 1
    writer.say("НАЗАР")
    assert writer.say("Раҳимова Гулнора").startswith("Шикоят: Об."), "no line of the poll, but the name"


def test_the_number_of_a_case_may_be_what_is_asked_for(station: Station, writer: Writer) -> None:
    reference, pin = filed(station, writer)
    assert writer.say("ИЛОВА", reference) == "Чиро илова кунем? Нависед."
    assert writer.say(MATTER) == "Рамзи чоррақамаро нависед:"
    assert writer.say(pin) == f"№{reference}: илова сабт шуд."


def test_kenya_has_commands_of_its_own(tmp_path: Path) -> None:
    with open_kenya(tmp_path) as station:
        hers = Writer(station, "+254700000001")
        assert hers.say("MSAADA").startswith("HALI namba msimbo")
        hers.say("Malalamiko Hakuna maji", "1", "Kisumu", "1", "Ali Otieno")
        saved = hers.say("NDIYO")
        (case,) = station.filed(hers.msisdn)
        assert case.reference in saved
        assert (case.kind, case.language, case.text) == ("complaint", "sw", "Hakuna maji")
        assert hers.say("ШИКОЯТ об нест") == "Not understood. Send HELP or dial *1339#."


def test_a_word_of_another_pack_means_nothing_here(station: Station, writer: Writer) -> None:
    assert writer.say("MALALAMIKO maji").startswith("Фаҳмида нашуд.")


def test_nothing_is_kept_of_a_number_that_only_asked(station: Station, writer: Writer) -> None:
    def is_met(tx: Transaction) -> bool:
        return subscribers.msisdn_of(tx, tx.keys.lookup(HERS)) is not None

    writer.say("КУМАК", "КОР Ёвон")
    assert not station.store.read(is_met)
    assert station.store.read(lambda tx: attempts.count(tx, f"answer {HERS}", 0)) == 2


@pytest.mark.parametrize(
    ("language", "typed"),
    [("tg", "Об"), ("tg", "об."), ("tg", "ВОДА"), ("ru", "вода"), ("tg-Latn", "ob"), ("en", "Water")],
)
def test_an_option_may_be_chosen_by_its_name(station: Station, language: str, typed: str) -> None:
    told = [
        speaking(station, language, msisdn).say(f"ШИКОЯТ {MATTER}", said)
        for msisdn, said in ((HERS, typed), (HIS, "1"))
    ]
    assert told[0] == told[1]


def test_the_name_of_an_option_wins_over_a_command_one_letter_away(station: Station) -> None:
    writer = speaking(station, "en")
    assert "1 Тоҷикӣ" in writer.say("LAND")
    assert "1 Тоҷикӣ" not in writer.say(f"COMPLAINT {MATTER}", "Land")


def test_a_word_that_names_no_option_chooses_none(station: Station) -> None:
    assert speaking(station, "en").say(f"COMPLAINT {MATTER}", "Sky").startswith("Not valid.")
