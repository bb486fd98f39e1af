"""The schema as app developers meet it: described throughout, committed, with the names that apps are written to."""

from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
)

from schema import root
from schema.problem import ProblemCode, all_types, shown_refusals

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return root.build()._schema


def own_types(schema: GraphQLSchema) -> list[GraphQLNamedType]:
    scalars = {"String", "Int", "Boolean", "ID", "Float"}
    return [t for name, t in schema.type_map.items() if not name.startswith("__") and name not in scalars]


def test_the_committed_schema_is_the_one_that_runs() -> None:
    assert (ROOT / "schema.graphql").read_text(encoding="utf-8") == root.printed(), "run: make schema"


def test_everything_has_a_description(schema: GraphQLSchema) -> None:
    bare = []
    for t in own_types(schema):
        if not t.description:
            bare.append(t.name)
        if isinstance(t, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in t.fields.items():
                if not field.description:
                    bare.append(f"{t.name}.{name}")
                bare += [f"{t.name}.{name}({a})" for a, argument in field.args.items() if not argument.description]
        elif isinstance(t, GraphQLInputObjectType):
            bare += [f"{t.name}.{name}" for name, field in t.fields.items() if not field.description]
        elif isinstance(t, GraphQLEnumType):
            bare += [f"{t.name}.{name}" for name, value in t.values.items() if not value.description]
    assert bare == []


def test_every_mutation_that_can_be_refused_gives_a_union_of_one_thing_and_problems(schema: GraphQLSchema) -> None:
    assert schema.mutation_type is not None
    for name, field in schema.mutation_type.fields.items():
        result = getattr(field.type, "of_type", field.type)
        if not isinstance(result, GraphQLUnionType):
            assert name in {"signOut", "setLanguage", "forgetPin"}
            continue
        problems = [t for t in result.types if any(i.name == "Problem" for i in t.interfaces)]
        assert len(result.types) - len(problems) == 1, name
        assert len(field.args) == 1
        assert "input" in field.args


def test_mutations_that_move_money_or_order_bring_a_key(schema: GraphQLSchema) -> None:
    for name in ("OrderSubscriptionInput", "ExtendSubscriptionInput", "TransferInput"):
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLInputObjectType)
        assert str(kind.fields["idempotencyKey"].type) == "ID!"


def test_every_refusal_that_callers_can_meet_has_a_code_of_its_own() -> None:
    shown = {kind.code for kind in shown_refusals()}
    assert len(shown) == len(all_types())
    assert shown <= {code.name for code in ProblemCode}


CONTRACT = """
type Viewer { subscriber: Subscriber! language: Language! accounts: AccountConnection! wallet: Wallet tariff: Tariff
  subscriptions: ProductSubscriptionConnection! orders: OrderConnection! }
type Subscriber { id: ID! kind: SubscriberKind! name: String! phone: PhoneNumber! status: SubscriberStatus! }
type Account { id: ID! number: String! balance: Money! entries: EntryConnection! }
type Wallet { id: ID! number: String! level: WalletLevel! status: WalletStatus! balance: Money! limits: WalletLimits!
  entries: EntryConnection! }
type WalletLimits { topUpLimit: Money topUpLeft: Money balanceLimit: Money resetsAt: DateTime }
type Entry { id: ID! at: DateTime! kind: EntryKind! amount: Money! balanceAfter: Money! receipt: Receipt }
type Tariff { id: ID! code: String! name: String! monthlyFee: Money! allowances: [Allowance!]! prices: [Price!]! }
type Allowance { kind: UsageKind! amount: Decimal! unit: Unit! }
type Price { zone: Zone unit: Unit! price: Money! }
type Product { id: ID! code: String! name: String! priceSteps: [PriceStep!]! }
type ProductSubscription { id: ID! product: Product! phone: PhoneNumber! status: SubscriptionStatus! activatedOn: Date
  endsOn: Date daysLeft: Int price: Money! }
type Order { id: ID! status: OrderStatus! total: Money! challenge: OtpChallenge subscription: ProductSubscription }
interface Problem { code: ProblemCode! message: String! rule: String path: [String!] }
type Money { amount: Decimal! currency: Currency! formatted: String! }
type OtpChallenge { id: ID! expiresAt: DateTime! resendAt: DateTime! }
"""


def test_the_names_that_apps_are_written_to_are_kept(schema: GraphQLSchema) -> None:
    names = set(schema.type_map)
    stubs = "\n".join(f"scalar {name}" for name in sorted(_named(CONTRACT, names)))
    wanted = build_schema(f"type Query {{ a: Int }}\n{stubs}\n{CONTRACT}", assume_valid=True)
    for name, kind in wanted.type_map.items():
        if name == "Query" or not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            continue
        ours = schema.type_map[name]
        assert isinstance(ours, GraphQLObjectType | GraphQLInterfaceType)
        found = {field: str(ours.fields[field].type) for field in kind.fields}
        assert found == {field: str(one.type) for field, one in kind.fields.items()}, name


def _named(text: str, names: set[str]) -> set[str]:
    import re

    declared = set(re.findall(r"(?:type|interface) (\w+)", text))
    builtin = {"ID", "String", "Int", "Boolean", "Float"}
    return {word for word in re.findall(r"\b[A-Z]\w+", text) if word in names} - declared - builtin
