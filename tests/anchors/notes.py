"""Notes as the ledger makes them, but that nobody signed: an anchor does not look at signatures."""


def note_of(size: int, root: str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=") -> bytes:
    signature = "— ledger.example " + "az3grlgtzPICa5OS8npVmf1M" * 3 + "YQ8="
    return f"ledger.example\n{size}\n{root}\n\n{signature}\n".encode()


OTHER_ROOT = "AAAAapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
