from __future__ import annotations

import pytest

from stacks import schedule_expression


@pytest.mark.parametrize(
    "value",
    [
        # The examples of
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
        "cron(0 10 * * ? *)",
        "cron(15 12 * * ? *)",
        "cron(0 18 ? * MON-FRI *)",
        "cron(0 8 1 * ? *)",
        "cron(0/15 * * * ? *)",
        "cron(0/10 * ? * MON-FRI *)",
        "cron(0/5 8-17 ? * MON-FRI *)",
        "cron(0/30 20-2 ? * MON-FRI *)",
        "cron(5,35 14 * * ? *)",
        "cron(15 10 ? * 6L 2019-2022)",
        # One of each that the table of fields has
        "cron(0 3 ? * SUN *)",
        "cron(*/20 3 ? * 1,7 *)",
        "cron(1/10 0 1,15 JAN-JUN,SEP ? *)",
        "cron(0 3 L * ? *)",
        "cron(0 3 15W * ? *)",
        "cron(0 3 1/7 1/3 ? *)",
        "cron(0 3 ? * L *)",
        "cron(0 3 ? * FRIL *)",
        "cron(0 3 ? * 3#2 *)",
        "cron(0 3 ? * MON#1 *)",
        "cron(00 03 1 12 ? 2027/2)",
        "cron(59 23 31 12 ? 2199)",
        "cron(0-30/5 3 ? * FRI-MON *)",
        # https://github.com/localstack/localstack/issues/13572: AWS takes them
        "cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)",
        "cron(30-30 13-13 ? * 2,4,6 *)",
        "rate(1 minute)",
        "rate(5 minutes)",
        "rate(1 hour)",
        "rate(1 days)",  # of the Scheduler's guide, on daylight saving time
        "rate(7 days)",
        "at(2027-01-01T03:00:00)",
        "at(2028-02-29T23:59:59)",
    ],
)
def test_what_the_scheduler_understands_passes(value: str) -> None:
    assert schedule_expression.check(value) == value


MINUTES = "allowed: 0 to 59, with , - * /"
HOURS = "allowed: 0 to 23, with , - * /"
DAY_OF_MONTH = "allowed: 1 to 31, with , - * ? / L W"
MONTH = "allowed: 1 to 12 or JAN to DEC, with , - * /"
DAY_OF_WEEK = "allowed: 1 to 7 or SUN to SAT, with , - * ? L #"
YEAR = "allowed: 1970 to 2199, with , - * /"
SIX = "allowed: six, minutes hours day-of-month month day-of-week year"
ONE = "allowed: a ? in exactly one of them"
FORMS = (
    "is not a schedule; allowed: cron(minutes hours day-of-month month day-of-week year), rate(value unit) "
    "or at(yyyy-mm-ddThh:mm:ss)"
)
A_DATE = "which is no date and time; allowed: at(yyyy-mm-ddThh:mm:ss), as in at(2027-01-01T03:00:00)"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", FORMS),
        ("0 3 * * 0", FORMS),
        ("every sunday", FORMS),
        ("cron(0 3 ? * SUN *", FORMS),
        (" cron(0 3 ? * SUN *)", FORMS),
        ("Cron(0 3 ? * SUN *)", FORMS),
        ("cron(0 3 ? * SUN *)\n", FORMS),
        ("cron()", f"has 0 fields; {SIX}"),
        ("cron(0 3 * * SUN)", f"has 5 fields; {SIX}"),
        ("cron(0 0 3 ? * SUN *)", f"has 7 fields; {SIX}"),
        ("cron(60 3 ? * SUN *)", f"has minutes '60'; {MINUTES}"),
        ("cron(? 3 * * ? *)", f"has minutes '?'; {MINUTES}"),
        ("cron(-5 3 * * ? *)", f"has minutes '-5'; {MINUTES}"),
        ("cron(5, 3 * * ? *)", f"has minutes '5,'; {MINUTES}"),
        ("cron(1-2-3 3 * * ? *)", f"has minutes '1-2-3'; {MINUTES}"),
        ("cron(*/60 3 * * ? *)", f"has minutes '*/60'; {MINUTES}"),
        ("cron(*/0 3 * * ? *)", f"has minutes '*/0'; {MINUTES}"),
        ("cron(/15 3 * * ? *)", f"has minutes '/15'; {MINUTES}"),
        ("cron(0.5 3 * * ? *)", f"has minutes '0.5'; {MINUTES}"),
        ("cron(٣ 3 * * ? *)", f"has minutes '٣'; {MINUTES}"),
        ("cron(0 24 ? * SUN *)", f"has hours '24'; {HOURS}"),
        ("cron(0 3am ? * SUN *)", f"has hours '3am'; {HOURS}"),
        ("cron(0 9-25 ? * SUN *)", f"has hours '9-25'; {HOURS}"),
        ("cron(0 3 0 * ? *)", f"has day-of-month '0'; {DAY_OF_MONTH}"),
        ("cron(0 3 32 * ? *)", f"has day-of-month '32'; {DAY_OF_MONTH}"),
        ("cron(0 3 32W * ? *)", f"has day-of-month '32W'; {DAY_OF_MONTH}"),
        ("cron(0 3 W * ? *)", f"has day-of-month 'W'; {DAY_OF_MONTH}"),
        ("cron(0 3 LW * ? *)", f"has day-of-month 'LW'; {DAY_OF_MONTH}"),
        ("cron(0 3 L-3 * ? *)", f"has day-of-month 'L-3'; {DAY_OF_MONTH}"),
        ("cron(0 3 1,L * ? *)", f"has day-of-month '1,L'; {DAY_OF_MONTH}"),
        ("cron(0 3 2#1 * ? *)", f"has day-of-month '2#1'; {DAY_OF_MONTH}"),
        ("cron(0 3 SUN * ? *)", f"has day-of-month 'SUN'; {DAY_OF_MONTH}"),
        ("cron(0 3 ? 13 SUN *)", f"has month '13'; {MONTH}"),
        ("cron(0 3 ? January SUN *)", f"has month 'January'; {MONTH}"),
        ("cron(0 3 ? ? SUN *)", f"has month '?'; {MONTH}"),
        ("cron(0 3 ? L SUN *)", f"has month 'L'; {MONTH}"),
        ("cron(0 3 ? * 0 *)", f"has day-of-week '0'; {DAY_OF_WEEK}"),
        ("cron(0 3 ? * 8 *)", f"has day-of-week '8'; {DAY_OF_WEEK}"),
        ("cron(0 3 ? * Sunday *)", f"has day-of-week 'Sunday'; {DAY_OF_WEEK}"),
        ("cron(0 3 ? * SUN/2 *)", f"has day-of-week 'SUN/2'; {DAY_OF_WEEK}"),
        ("cron(0 3 ? * 3#6 *)", f"has day-of-week '3#6'; {DAY_OF_WEEK}"),
        ("cron(0 3 ? * 3#1,6#3 *)", f"has day-of-week '3#1,6#3'; {DAY_OF_WEEK}"),
        ("cron(0 3 ? * 8L *)", f"has day-of-week '8L'; {DAY_OF_WEEK}"),
        ("cron(0 3 ? * 2W *)", f"has day-of-week '2W'; {DAY_OF_WEEK}"),
        ("cron(0 3 ? * SUN 1969)", f"has year '1969'; {YEAR}"),
        ("cron(0 3 ? * SUN 2200)", f"has year '2200'; {YEAR}"),
        ("cron(0 3 ? * SUN 2030-2027)", f"has year '2030-2027'; {YEAR}"),
        ("cron(0 3 ? * SUN ?)", f"has year '?'; {YEAR}"),
        ("cron(0 3 * * * *)", f"has day-of-month '*' and day-of-week '*'; {ONE}"),
        ("cron(0 3 1 * MON *)", f"has day-of-month '1' and day-of-week 'MON'; {ONE}"),
        ("cron(0 3 ? * ? *)", f"has day-of-month '?' and day-of-week '?'; {ONE}"),
        (f"cron(0 3 ? * {','.join(['SUN'] * 70)} *)", "has 295 characters; allowed: 256"),
        ("rate(days)", "is not a rate; allowed: rate(value unit), as in rate(7 days)"),
        ("rate(7days)", "is not a rate; allowed: rate(value unit), as in rate(7 days)"),
        ("rate(0 days)", "has the value '0'; allowed: a whole number from 1 on"),
        ("rate(-1 days)", "has the value '-1'; allowed: a whole number from 1 on"),
        ("rate(1.5 days)", "has the value '1.5'; allowed: a whole number from 1 on"),
        ("rate(2 weeks)", "has the unit 'weeks'; allowed: minute, minutes, hour, hours, day, days"),
        ("rate(30 seconds)", "has the unit 'seconds'; allowed: minute, minutes, hour, hours, day, days"),
        ("at(2027-02-29T03:00:00)", f"has '2027-02-29T03:00:00', {A_DATE}"),
        ("at(2027-01-01T24:00:00)", f"has '2027-01-01T24:00:00', {A_DATE}"),
        ("at(2027-01-01)", f"has '2027-01-01', {A_DATE}"),
        ("at(2027-01-01 03:00:00)", f"has '2027-01-01 03:00:00', {A_DATE}"),
        ("at(2027-01-01T03:00)", f"has '2027-01-01T03:00', {A_DATE}"),
        ("at(2027-01-01T03:00:00Z)", f"has '2027-01-01T03:00:00Z', {A_DATE}"),
        ("at(2027-1-1T3:00:00)", f"has '2027-1-1T3:00:00', {A_DATE}"),
    ],
)
def test_what_it_would_refuse_is_refused_with_the_field_and_what_is_allowed(value: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        schedule_expression.check(value)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", ["Asia/Seoul", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT-9"])
def test_a_time_zone_of_the_iana_database_passes(value: str) -> None:
    assert schedule_expression.check_timezone(value) == value


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("Asia/Seuol", "did you mean Asia/Seoul?"),
        ("asia/seoul", "did you mean Asia/Seoul?"),
        ("Korea Standard Time", "allowed: a name of the IANA database, as in Asia/Seoul"),
        ("+09:00", "allowed: a name of the IANA database, as in Asia/Seoul"),
        ("../etc/passwd", "allowed: a name of the IANA database, as in Asia/Seoul"),
        ("", "allowed: a name of the IANA database, as in Asia/Seoul"),
    ],
)
def test_any_other_is_refused(value: str, hint: str) -> None:
    with pytest.raises(ValueError) as caught:
        schedule_expression.check_timezone(value)
    assert str(caught.value) == f"is not a time zone; {hint}"
