"""The scope goes with each statement: nothing of it stays on a connection, whatever became of it."""

from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from accounts import row_scope
from accounts.models import CaseKey, Organisation
from accounts.row_scope import across_organisations, narrow_to, within

pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.fixture
def organisations(transactional_db):
    """Two, each with the key of a case."""
    made = [Organisation.objects.create(slug=slug, name=slug) for slug in ("first", "second")]
    with connection.cursor() as cursor:
        for one in made:
            cursor.execute(
                "INSERT INTO audit.case_key (id, organisation_id, wrapped, kek_id) VALUES (%s, %s, '', '')",
                [uuid4(), one.id],
            )
    return made


@pytest.fixture(autouse=True)
def _nobody(organisations):
    with row_scope._scoped(row_scope.NOBODY):
        yield


def seen():
    return set(CaseKey.objects.values_list("organisation__slug", flat=True))


def left_behind():
    """What the connection says by itself, past everything of ours."""
    with connection.connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('breastrisk.organisations', true), count(*) FROM audit.case_key"
        )
        return cursor.fetchone()


NOTHING = [(None, 0), ("", 0)]


def test_a_statement_sees_the_rows_of_its_scope_and_leaves_nothing_on_the_connection(organisations):
    first, second = organisations
    for _ in range(2):
        assert seen() == set()
        with within(first.id):
            assert seen() == {"first"}
            assert left_behind() in NOTHING
            with within(second.id):
                assert seen() == {"second"}
            with across_organisations():
                assert seen() == {"first", "second"}
            assert seen() == {"first"}
        assert left_behind() in NOTHING


def test_within_one_transaction_each_statement_has_the_scope_it_is_sent_in(organisations):
    first, second = organisations
    with transaction.atomic():
        with within(first.id):
            assert seen() == {"first"}
        assert seen() == set()
        with within(second.id):
            assert seen() == {"second"}


def test_a_statement_that_fails_takes_nothing_of_its_scope_along(organisations):
    first, _ = organisations
    with across_organisations():
        with pytest.raises(DatabaseError):
            CaseKey.objects.extra(where=["1 / 0 = 1"]).count()
        with transaction.atomic():
            with within(first.id), pytest.raises(DatabaseError), transaction.atomic():
                CaseKey.objects.extra(where=["1 / 0 = 1"]).count()
            assert seen() == {"first", "second"}
    assert seen() == set()
    assert left_behind() in NOTHING


def test_a_cursor_of_the_server_has_the_scope_that_it_was_opened_in(organisations):
    first, _ = organisations
    with within(first.id):
        rows = CaseKey.objects.select_related("organisation").iterator(chunk_size=1)
        assert next(rows).organisation == first
    assert list(rows) == []
    assert left_behind() in NOTHING
    with transaction.atomic(), within(first.id):
        assert [key.organisation for key in CaseKey.objects.iterator(chunk_size=1)] == [first]
    assert left_behind() in NOTHING


def test_a_request_begins_with_nobodys_rows_and_ends_without_those_of_whoever_asked(organisations):
    first, second = organisations
    answers = []

    def view(request):
        answers.append(seen())
        narrow_to(first.id if request.path == "/first" else second.id)
        answers.append(seen())
        if request.path == "/broken":
            raise LookupError
        return HttpResponse()

    page, request = row_scope.ScopeRows(view), RequestFactory()
    with across_organisations():
        page(request.get("/first"))
        with pytest.raises(LookupError):
            page(request.get("/broken"))
        page(request.get("/first"))
        assert seen() == {"first", "second"}
    assert answers == [set(), {"first"}, set(), {"second"}, set(), {"first"}]


def test_each_part_of_a_long_answer_has_the_rows_of_its_own_request(organisations):
    """Also where one thread makes two of them in turns."""

    def view(request):
        narrow_to(next(one.id for one in organisations if request.path == f"/{one.slug}"))
        return StreamingHttpResponse(",".join(seen()) for _ in range(2))

    page, request = row_scope.ScopeRows(view), RequestFactory()
    first, second = (iter(page(request.get(path))) for path in ("/first", "/second"))
    assert [next(part) for part in (first, second, first, second)] == [b"first", b"second"] * 2
    assert seen() == set()
