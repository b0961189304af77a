"""Menus and registers on their way down: what this station publishes for those behind it, and what it takes in of what
its own upstream publishes. It names the blobs (sync/blobs/publish.py) and knows what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from sado.cases import audit
from sado.cases.audit import Action
from sado.cases.registers.loading import Loading
from sado.cases.registers.snapshots import Snapshots
from sado.cases.residents import subscriptions
from sado.channel.effects.register_words import RegisterWords, registers_of
from sado.channel.versions import Versions
from sado.menus.reading import pack as packs
from sado.menus.reading.source import Files
from sado.menus.reading.source import version as version_of
from sado.publishing import bundle, trial
from sado.publishing.intake import NewPacks
from sado.store import Store
from sado.store.tables import published_blobs, stations, wanted_blobs
from sado.store.tables.published_blobs import Offered
from sado.store.tables.wanted_blobs import Wanted
from sado.sync.blobs import publish
from sado.sync.blobs.fetch import RefusedError
from sado.sync.blobs.signature import SignatureError, Signed, Statement

PACK, REGISTER = "pack", "register"
MOST_NAMED = 3


class Publishing:
    """The blobs of one station; `name` is what its pack is called wherever it goes, `publisher` gives the public key
    that has to have signed what is published here.

    The private key stays with whoever publishes: she is told what there is to sign, and brings it back signed."""

    def __init__(
        self,
        store: Store,
        name: str,
        versions: Versions,
        new_packs: NewPacks,
        publisher: Callable[[], bytes | None],
    ) -> None:
        self._store = store
        self._name = name
        self._versions = versions
        self._new_packs = new_packs
        self._publisher = publisher

    @property
    def loading(self) -> Loading:
        """The steps of loading a register, as the pack of now defines it."""
        pack = self._versions.current.pack
        announce = RegisterWords(pack).announcer(subscriptions.tell)
        return Loading(self._store, registers_of(pack), announce)

    @property
    def snapshots(self) -> Snapshots:
        """The snapshots of registers, as the pack of now defines them."""
        pack = self._versions.current.pack
        districts = [place.code for place in pack.gazetteer]
        return Snapshots(self._store, registers_of(pack), self.loading, districts)

    def pack_to_sign(self, folder: str) -> list[Statement]:
        """What has to be signed before the pack in this folder can be published. Raises TreeError."""
        return self._to_sign(self._pack_of(packs.files_of(folder)))

    def publish_pack(self, folder: str, signed: Iterable[Signed]) -> str:
        """Serve the pack in this folder here, and offer it to every station; its version. Raises TreeError,
        SignatureError or ValueError with every fault, and then nothing changes."""
        files = packs.files_of(folder)
        named = self._signed(self._pack_of(files), signed)
        self._new_packs.take(self._name, files)
        publish.publish(self._store, named)
        return version_of(files)

    def register_to_sign(self, name: str) -> list[Statement]:
        """What has to be signed before the register as it is here now can be published. Raises RegisterError."""
        return self._to_sign(self._copies_of(name))

    def publish_register(self, name: str, signed: Iterable[Signed]) -> int:
        """Offer the register as it is here now to the stations, each what is for it; how many blobs of it are new.
        Raises RegisterError or SignatureError."""
        return publish.publish(self._store, self._signed(self._copies_of(name), signed))

    def take(self, wanted: Wanted, content: bytes) -> None:
        """Take in what the upstream published, and pass it on as it is signed. Raises RefusedError with what is wrong
        with it."""
        kind, _, what = wanted.name.partition("/")
        try:
            if kind == PACK:
                trial.read(what, content)
                self._new_packs.take(what, bundle.files_of(content))
            elif kind == REGISTER:
                self.snapshots.take(content)
            else:
                raise RefusedError("This release does not know what it is.")
        except ValueError as error:
            raise RefusedError(str(error)) from error
        edition = f"edition {wanted.edition}"
        self._store.write(lambda tx: audit.record(tx, audit.STATION, Action.PUBLISHED, wanted.name, edition))
        if self._store.read(stations.served):
            signed = Signed(wanted.name, wanted.edition, wanted.hash.hex(), wanted.signature)
            publish.pass_on(self._store, signed, content)

    def status(self) -> list[str]:
        """How things stand with menus and registers, a sentence each: here, and at the stations behind this one."""
        published, offers, wanted = self._store.read(
            lambda tx: (published_blobs.published(tx), published_blobs.offers(tx), wanted_blobs.all_wanted(tx))
        )
        served = [f"Version {self._versions.current.pack.tree.version} of the pack is served here."]
        return [*served, *map(_wanted, wanted), *_published(published), *_offered(offers)]

    def _pack_of(self, files: Files) -> dict[str, bytes]:
        return {f"{PACK}/{self._name}": bundle.packed(files)}

    def _copies_of(self, name: str) -> dict[str, bytes]:
        return {f"{REGISTER}/{name}/{part}".rstrip("/"): content for part, content in self.snapshots.made(name)}

    def _to_sign(self, contents: Mapping[str, bytes]) -> list[Statement]:
        """A statement, of an edition of its own, for each name that would stand for something new."""
        new = [name for name, content in contents.items() if not self._is_signed(self._known(name), content)]
        editions = self._store.write(lambda tx: [published_blobs.next_edition(tx) for _ in new])
        return [
            Statement(name, edition, hashlib.sha256(contents[name]).hexdigest())
            for name, edition in zip(new, editions, strict=True)
        ]

    def _signed(self, contents: Mapping[str, bytes], signed: Iterable[Signed]) -> list[tuple[Signed, bytes]]:
        """Each of the contents with what the publisher signed of it, now or when it was published. Raises
        SignatureError."""
        now = {statement.name: statement for statement in signed}
        named = []
        for name, content in contents.items():
            statement = now.get(name) or self._known(name)
            if statement is None or statement.hash != hashlib.sha256(content).hexdigest():
                raise SignatureError("It was changed while it was signed: publish it again.")
            statement.check(self._publisher())
            named.append((statement, content))
        return named

    def _known(self, name: str) -> Signed | None:
        """What was signed of it when it was published last."""
        before = self._store.read(lambda tx: published_blobs.find(tx, name))
        return None if before is None else Signed(name, before.edition, before.hash.hex(), before.signature)

    def _is_signed(self, statement: Signed | None, content: bytes) -> bool:
        """Whether this is what the publisher of now signed of the content."""
        try:
            if statement is not None:
                statement.check(self._publisher())
        except SignatureError:
            return False
        return statement is not None and statement.hash == hashlib.sha256(content).hexdigest()


def _wanted(wanted: Wanted) -> str:
    if wanted.state == wanted_blobs.REFUSED:
        return f"{wanted.name}: refused, the one before is used: {wanted.reason}"
    if wanted.state == wanted_blobs.WANTED:
        return f"{wanted.name}: {wanted.got} of {wanted.total or 'so far unknown'} bytes are here."
    return f"{wanted.name}: {'taken in' if wanted.state == wanted_blobs.TAKEN else 'here whole, being taken in'}."


def _published(published: Iterable[str]) -> Iterator[str]:
    wholes = [name for name in published if name.count("/") == 1]
    if wholes:
        yield f"Published: {', '.join(sorted(wholes))}."


def _offered(offers: Sequence[Offered]) -> Iterator[str]:
    """A sentence for each station, and one for each of its refusals."""
    for station, group in groupby(offers, lambda offer: offer.station):
        mine = list(group)
        waiting = [offer.name for offer in mine if offer.state == published_blobs.OFFERED]
        more = f" and {len(waiting) - MOST_NAMED} more" if len(waiting) > MOST_NAMED else ""
        waits = f", waits for {', '.join(waiting[:MOST_NAMED])}{more}" if waiting else ""
        taken = sum(offer.state == wanted_blobs.TAKEN for offer in mine)
        yield f"Station {station:03} has {taken} of {len(mine)}{waits}."
        for offer in mine:
            if offer.state == wanted_blobs.REFUSED:
                yield f"Station {station:03} refused {offer.name}: {offer.reason}"
