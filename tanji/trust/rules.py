"""The closed list of rules a verifier of Tanji's evidence may report, each with one sentence in English and Chinese.

What each rule demands exactly, and in what order they are tried, is in docs/trust-format.md, which is the authority. A
rule is one word of this list wherever an error, a report or a test names it; a new one is written in that page first.
"""

from __future__ import annotations

from typing import NamedTuple


class Meaning(NamedTuple):
    """What a rule demands, for a person who reads the report."""

    en: str
    zh: str


RULES: dict[str, Meaning] = {
    # notes and keys
    "note-form": Meaning(
        "a signed note is a text, an empty line and signature lines, within the size limit",
        "签名文件由正文、空行和签名行组成，且不超过长度上限",
    ),
    "note-base64": Meaning("base64 is written in its one canonical form", "base64 只允许唯一的规范写法"),
    "note-signature": Meaning("every signature by a known key is good", "已知密钥的签名必须全部有效"),
    "note-unknown-key": Meaning("the signer is a key that is known here", "签名密钥必须是此处已知的密钥"),
    "note-signers": Meaning(
        "exactly the required signature lines, in the required order", "签名行须与规定完全一致，次序相同"
    ),
    "key-form": Meaning(
        "a key is written as name, key id and 32 bytes that belong together",
        "密钥由名称、编号和 32 字节组成，且三者相符",
    ),
    "key-weak": Meaning("a key is neither of low order nor written non-canonically", "密钥不得为低阶点或非规范编码"),
    "key-twice": Meaning("one public key has one holder and one role", "一个公钥只能有一个持有者和一种角色"),
    "key-file": Meaning(
        "a private key file has its form and is its owner's alone", "私钥文件格式正确，且仅限所有者读取"
    ),
    "sm2-signature": Meaning(
        "an SM2 signature beside a statement is over this statement", "声明旁的 SM2 签名须与该声明相符"
    ),
    "header-type": Meaning("the first line names the type of the note", "第一行须写明文件类型"),
    "header-field": Meaning("every field stands once, in order, in its form", "每个字段出现一次，次序和写法符合规定"),
    # keyring
    "keyring-version": Meaning("keyring notes are numbered without a gap", "密钥表的版本号连续"),
    "keyring-prev": Meaning("a keyring names the hash of the one before", "密钥表须引用上一版的散列值"),
    "keyring-quorum": Meaning(
        "the institute's registrar and one more sign a keyring", "密钥表须由计量院登记人和另一登记人共同签名"
    ),
    "keyring-continuity": Meaning("a keyring keeps every line of the one before", "密钥表须保留上一版的全部条目"),
    "keyring-anchor": Meaning(
        "the first keyring names the registrars of the trust anchor", "首版密钥表的登记人须与信任锚一致"
    ),
    # batches
    "batch-key": Meaning("the gateway's key is in force for this sequence number", "网关密钥对该序号有效"),
    "batch-sequence": Meaning("sequence numbers follow each other and are used once", "批次序号连续且只用一次"),
    "batch-prev": Meaning(
        "a batch names the hash of its gateway's previous batch", "批次须引用同一网关上一批次的散列值"
    ),
    "batch-time": Meaning("the times of a batch are in order", "批次的时间先后合理"),
    "batch-hole": Meaning("regular batches follow each other without a hole in time", "常规批次在时间上首尾相接"),
    "payload-form": Meaning("a payload line has its one canonical form", "数据行只允许唯一的规范写法"),
    "payload-order": Meaning("payload lines are sorted and unique", "数据行按字节排序且不重复"),
    "payload-count": Meaning("the batch holds as many lines as were signed", "数据行数与签名一致"),
    "payload-root": Meaning("the lines have the Merkle root that was signed", "数据行的默克尔根与签名一致"),
    "payload-window": Meaning("the times of the lines lie in the window of the batch", "数据行时间在批次窗口之内"),
    "payload-point": Meaning(
        "every line is of a point of the point map, in a batch of its kind", "数据行的测点须在测点图中，且批次种类相符"
    ),
    "payload-missing": Meaning("the payload of a signed batch is there", "已签名批次的数据须在场"),
    "payload-first-value": Meaning(
        "the first sealed value of a point and time stands", "同一测点同一时刻以首个封存值为准"
    ),
    # plant notes
    "pointmap-approved": Meaning(
        "the point map of a batch was approved under two signatures before", "批次所用测点图须事先经双签批准"
    ),
    "plant-version": Meaning("plant notes are numbered without a gap", "配置文件批准单的版本号连续"),
    "plant-prev": Meaning("a plant note names the hash of the one before", "配置文件批准单须引用上一版的散列值"),
    "plant-file": Meaning(
        "the plant file and the point map have the digests that were signed", "配置文件和测点图的摘要与签名一致"
    ),
    # log
    "checkpoint-form": Meaning("a checkpoint is origin, size and root", "检查点由来源、大小和根组成"),
    "checkpoint-origin": Meaning("a checkpoint is of the log of the trust anchor", "检查点须来自信任锚所列日志"),
    "checkpoint-root": Meaning("the log entries have the root that the checkpoint signs", "日志条目的根与检查点一致"),
    "checkpoint-size": Meaning("a checkpoint covers what it is to cover", "检查点的大小须覆盖所需条目"),
    "proof-form": Meaning("a proof has its form", "证明文件的格式"),
    "proof-length": Meaning("a proof has as many hashes as index and size demand", "证明的散列个数与位置和大小相符"),
    "proof-root": Meaning("a proof leads to the signed root", "证明须导向已签名的根"),
    "policy-form": Meaning("the trust anchor has its form", "信任锚的格式"),
    "quorum": Meaning("as many independent witnesses cosigned as the policy asks", "独立见证方的联署数达到策略要求"),
    # statement
    "statement-form": Meaning("a statement is one line of canonical JSON", "声明为一行规范 JSON"),
    "statement-field": Meaning("every field of the statement has its meaning and form", "声明的每个字段内容和写法正确"),
    "statement-inputs": Meaning("the statement names the batches it was computed from", "声明写明计算所依据的批次"),
    "statement-manifest": Meaning(
        "the inputs of the formulas have the root that was signed", "公式输入的默克尔根与声明一致"
    ),
    "statement-supersedes": Meaning(
        "a second statement for one period names the one it replaces", "同一时期的后一声明须写明所替代的声明"
    ),
    "statement-digest": Meaning(
        "files named by the statement have the digests that were signed", "声明所引用文件的摘要一致"
    ),
    "statement-root": Meaning("the log as the statement saw it has the root it names", "声明所见日志的根一致"),
    # bundle
    "manifest-form": Meaning("the bundle and its member list have their form", "文件包及其清单的格式"),
    "manifest-listed": Meaning("the bundle holds exactly the listed members", "文件包成员与清单完全一致"),
    "manifest-digest": Meaning("every member has the digest that was signed", "成员摘要与清单一致"),
    "manifest-path": Meaning("every member has an allowed path, once", "成员路径合法且唯一"),
    "manifest-size": Meaning(
        "every member has the size that was signed, within the limits", "成员大小与清单一致且不超限"
    ),
    "correction-form": Meaning("a correction has its form", "更正单的格式"),
    "correction-target": Meaning("a correction names a line that was sealed", "更正单所指数据行须确已封存"),
    # completeness
    "complete-keyring": Meaning(
        "evidence that is long enough shows the keyring that the trust anchor names",
        "证据达到相应长度时，须含信任锚所指明的密钥表",
    ),
    "complete-gateway": Meaning("every gateway and laboratory in scope is accounted for", "范围内的网关和实验室均在内"),
    "complete-sequence": Meaning("no batch and no log entry is left out", "批次和日志条目均无缺漏"),
    "complete-time": Meaning("no time of the period is left out", "时期内时间无空缺"),
    "complete-sample": Meaning("every laboratory sample is accounted for", "每个实验室样品均有交代"),
    "complete-newest": Meaning("the statement is the newest for its period", "声明为该时期的最新一份"),
    # recomputation
    "recompute-inputs": Meaning("recomputed inputs equal the sealed ones", "重算所得输入与封存的一致"),
    "recompute-results": Meaning("recomputed figures equal the published ones", "重算结果与公布数字一致"),
    "recompute-approved": Meaning("method, rules and factors are on the approved list", "方法、规则和因子在核准清单中"),
}
