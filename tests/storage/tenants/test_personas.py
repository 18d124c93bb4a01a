from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import personas
from storage.tenants.personas import Persona

ANN, BAO = 1, 2


async def test_personas_belong_to_their_tenant(db: Database) -> None:
    def unit(conn: Connection) -> None:
        number = personas.add(conn, ANN, "Pirate", "Answer like a pirate.")
        assert number is not None
        assert personas.find(conn, ANN, number) == Persona(number, "Pirate", "Answer like a pirate.")
        assert personas.find(conn, BAO, number) is None
        assert not personas.change(conn, BAO, number, "x", "x")
        assert not personas.delete(conn, BAO, number)
        assert personas.change(conn, ANN, number, "Captain", "Answer like a captain.")
        assert [each.name for each in personas.of_tenant(conn, ANN)] == ["Captain"]
        assert personas.delete(conn, ANN, number)
        assert not personas.delete(conn, ANN, number)

    await db.write(unit)


async def test_number_of_personas_is_limited(db: Database) -> None:
    def unit(conn: Connection) -> None:
        made = [personas.add(conn, ANN, "a", "b") for _ in range(personas.MOST_PERSONAS + 1)]
        assert [number is None for number in made] == [False] * personas.MOST_PERSONAS + [True]
        assert personas.add(conn, BAO, "a", "b") is not None
        personas.forget(conn, ANN)
        assert personas.of_tenant(conn, ANN) == []

    await db.write(unit)
