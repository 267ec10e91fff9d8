/**
 * Bugs planted into the whole product, which the simulator must find (scripts/sim-mutants.ts). Each is the smallest form of a mistake
 * that somebody could make. `from` stands exactly once in `file`.
 *
 * `elsewhere` is the test that finds those which no world of the swarm shows (all members have the same mistake, or a crash would
 * have to come within a few milliseconds); the script runs it.
 */

export interface PlantedBug {
  readonly name: string
  readonly file: string
  readonly from: string
  readonly to: string
  readonly elsewhere?: string
}

type Change = readonly [name: string, from: string, to: string, elsewhere?: string]

const within = (file: string, changes: readonly Change[]): PlantedBug[] =>
  changes.map(([name, from, to, elsewhere]) => ({
    name,
    file,
    from,
    to,
    ...(elsewhere === undefined ? {} : { elsewhere }),
  }))

const CONFORMANCE = 'test/conformance'

export const PLANTED: readonly PlantedBug[] = [
  ...within('packages/consensus/src/roster.ts', [
    [
      'engine: half of the weight is a quorum',
      'Number((2n * BigInt(total)) / 3n) + 1',
      'Math.floor(total / 2) + 1',
    ],
    ['engine: the quorum is everybody', 'Number((2n * BigInt(total)) / 3n) + 1', 'total'],
  ]),
  ...within('packages/consensus/src/election.ts', [
    ['engine: coins are heads', 's.coin[v & s.mask] === 1 ? -1 : 0', '-1', 'test/reference/fast.test.ts'],
    ['engine: candidates after the vote has begun', 'if (distance >= 2) e.closed = true', ''],
    [
      'engine: decided when one candidate is',
      'e.undecidedCount === 0',
      'e.undecidedCount < e.candidateCount',
    ],
    [
      'engine: a strong vote one too early',
      'const strongYes = columnsAtLeast(c, supermajority, equal)',
      'const strongYes = columnsAtLeast(c, Math.ceil(total / 2), equal)',
    ],
  ]),
  ...within('packages/consensus/src/rounds.ts', [
    [
      'engine: branches are never noticed',
      'hasRound(s, newest) && f.branched[own] === 0',
      'hasRound(s, newest) && f.branched[own] === 7',
    ],
  ]),
  ...within('packages/consensus/src/engine.ts', [
    ['engine: the ancient come in', 'if (event.birthRound < k.ancientThreshold) return NO_EVENT', ''],
    ['engine: times do not rise', 'Math.max(o.medians[place]!, k.lastTimestamp + 1)', 'o.medians[place]!'],
    [
      'engine: transactions share a time',
      'timestamp + Math.max(1, s.transactionCount[slot]!) - 1',
      'timestamp',
    ],
    [
      'engine: the window falls',
      'if (threshold <= k.ancientThreshold) return',
      'if (threshold === k.ancientThreshold || threshold < 1) return',
    ],
  ]),
  ...within('packages/dag/src/graph.ts', [
    [
      'graph: parents need not be there',
      "if (parent === undefined) return 'missing'",
      "if (parent === undefined) return 'absent'",
    ],
    [
      'graph: ancient parents are waited for',
      "if (reference.birthRound < ancientThreshold) return 'absent'",
      "if (reference.birthRound < ancientThreshold - 1) return 'absent'",
    ],
    [
      'graph: the future is linked at once',
      'missing.length === 0 && event.birthRound <= electionRound\n    waiting.add',
      'missing.length === 0\n    waiting.add',
    ],
    [
      'graph: nobody branches',
      'else chain.proof ??= branchProof(first.event, added.event)',
      'else added.seen.fill(0)',
    ],
    [
      'graph: the frontier runs ahead',
      'chain.highest = sequence\n      chain.tip = added',
      'chain.highest = sequence + 1\n      chain.tip = added',
    ],
  ]),
  ...within('packages/dag/src/waiting.ts', [
    [
      'waiting: nobody is told when a parent comes',
      'if (waiter.missing.size === 0) markReady(key, waiter)\n    }',
      '}',
    ],
    [
      'waiting: what is ancient stays',
      'if (event.birthRound < ancientThreshold) {\n        remove(key)\n        continue\n      }',
      '',
    ],
  ]),
  ...within('packages/node/src/member.ts', [
    [
      'node: an event before the last one is durable',
      'if (!started || failed || !mayCreate || unsynced !== undefined) return',
      'if (!started || failed || !mayCreate) return',
    ],
    [
      'node: pushed before it is durable',
      "effects.push({ kind: 'sync', sequence: event.sequence })",
      "gossip.push(event)\n    effects.push({ kind: 'sync', sequence: event.sequence })",
    ],
    [
      'node: transactions of a late event are dropped',
      'own.stale({ staleId: event.id, transactions: batch.transactions })',
      'void batch',
      'test/scenario/durability.test.ts',
    ],
    [
      'node: the own tip is not kept in a replay',
      'if (ownTip !== undefined && sequence < ownTip.sequence) return',
      'if (!started || (ownTip !== undefined && sequence < ownTip.sequence)) return',
    ],
    [
      'node: events of others are not written',
      'else if (started) appendEvent(linked.event)',
      'else if (started && linked.event.sequence % 7 !== 0) appendEvent(linked.event)',
    ],
    ['node: own events do not go to the graph', 'orderer.offer(event, memberId)\n    own.', 'own.'],
  ]),
  ...within('packages/node/src/own-event.ts', [
    ['node: the number starts over', 'sequence: (tip?.sequence ?? 0) + 1', 'sequence: 1'],
    [
      'node: birth round too early',
      'birthRound: decidedRound() + 1',
      'birthRound: Math.max(1, decidedRound())',
      'test/node/own-event.test.ts',
    ],
    [
      'node: time of the machine, whatever the last one was',
      'Math.max(wallMicros, (tip?.timestamp ?? 0) + 1)',
      'wallMicros',
    ],
  ]),
  ...within('packages/node/src/own-transactions.ts', [
    ['node: stale transactions are forgotten', 'if (started) stale(group)', 'if (started) void group'],
    [
      'node: a resubmission is forgotten at the start',
      'for (const staleKey of resubmittedBy.get(key) ?? []) staleInReplay.delete(staleKey)',
      'void resubmittedBy',
    ],
    [
      'node: the wrong position in the receipt',
      'const position = firstPosition + index',
      'const position = firstPosition',
    ],
    ['node: positions count events', 'position += entry.transactionCount', 'position += 1'],
  ]),
  ...within('packages/node/src/pool.ts', [
    [
      'node: the first transaction goes twice',
      'head += 1\n      transactions.push(next)',
      'head += head === 3 ? 0 : 1\n      if (transactions.length > 9) break\n      transactions.push(next)',
    ],
    ['node: a group is restored twice', 'stale.push(group)', 'stale.push(group, group)'],
  ]),
  ...within('packages/node/src/orderer.ts', [
    [
      'node: the window is not told to the graph',
      'graph.advance(threshold, engine.decidedRound() + 1)',
      'graph.advance(1, engine.decidedRound() + 1)',
    ],
    [
      'node: the election round is not told to the graph',
      'graph.advance(threshold, engine.decidedRound() + 1)',
      'graph.advance(threshold, Math.max(1, engine.decidedRound() - 3))',
    ],
  ]),
  ...within('packages/node/src/repair-index.ts', [
    [
      'gossip: serves only what was named',
      "if (sequence > (want.frontier.get(creator) ?? 0)) return 'beyond'",
      '',
    ],
    [
      'gossip: serves all but the next one',
      'if (sequence > (want.frontier.get(creator) ?? 0))',
      'if (sequence > (want.frontier.get(creator) ?? 0) + 1)',
    ],
  ]),
  ...within('packages/gossip/src/repair.ts', [
    [
      'gossip: a repair that stands still is never given up',
      'if (nowMs < endsMs(repair)) continue',
      'if (nowMs < endsMs(repair) + 1e9) continue',
    ],
    ['gossip: nobody is ever asked', 'if (peer !== undefined) ask(peer, nowMs)', ''],
  ]),
  ...within('packages/gossip/src/gossip.ts', [
    [
      'gossip: the frontier is told once',
      'nextAdvertMs = nowMs + tuning.advertEveryMs',
      'nextAdvertMs = Infinity',
    ],
    ['gossip: greetings are not answered', 'link.greeted = true', 'link.greeted = link.memberId % 2 === 0'],
  ]),
  ...within('packages/node/process/repair-server.ts', [
    [
      'gossip: own events leave before they are durable',
      'return creator !== options.memberId || sequence <= options.durableSequence()',
      'return creator !== options.memberId || sequence > 0',
      'test/node/repair-server.test.ts',
    ],
    [
      'gossip: the end of a repair is not said',
      "return options.send(link, encodeFrame({ kind: 'want-end', request: want.request, complete }))",
      'return',
    ],
  ]),
  ...within('packages/node/process/driver.ts', [
    [
      'journal: durable is said at once',
      'await journal.sync()\n      ledger.settle(journal.durableEnd())\n    } catch',
      'void journal.sync()\n      ledger.settle(journal.durableEnd())\n    } catch',
    ],
    [
      'journal: others are never made durable',
      'syncTimer = undefined\n      sync(undefined)',
      'syncTimer = undefined',
    ],
  ]),
  ...within('packages/node/process/ledger-store.ts', [
    ['journal: the ledger does not wait for it', 'if (each.journalEnd > durableEnd) break', ''],
  ]),
  ...within('packages/node/disk/writer.ts', [
    ['journal: no fdatasync', 'await store.files.syncData(store.fd)', 'await Promise.resolve()'],
    ['journal: a short write is taken for a whole one', 'chunk.written += n', 'chunk.written = chunk.length'],
    [
      'journal: a full segment is not made durable',
      'function syncNow(store: Store, path: string, fd: number): void {\n  try {',
      'function syncNow(store: Store, path: string, fd: number): void {\n  if (fd > 0) return\n  try {',
    ],
    ['journal: nothing is flushed before a sync', 'flush(store)\n  const target', 'const target'],
  ]),
  ...within('packages/consensus/src/order.ts', [
    ['engine: ids are not whitened', 'xor[i]! ^= id[i]!', 'xor[i]! ^= id[i]! & 0', CONFORMANCE],
  ]),
  ...within('packages/node/src/creator.ts', [
    ['node: nobody answers', 'return lastMs + tuning.answerAfterMs', 'return undefined'],
    [
      'node: only with everybody',
      'if (isSupermajority(selfWeight + newWeight, total)) {\n      quorumSinceMs',
      'if (selfWeight + newWeight === total) {\n      quorumSinceMs',
      'test/node/creator.test.ts',
    ],
  ]),
]
