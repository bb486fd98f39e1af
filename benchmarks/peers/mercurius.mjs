// The same operations by Mercurius with its JIT on Fastify: a screen is one prepared statement, read whole by its root
// resolver; with LOADERS=on the home screen's parts are resolvers of their own, batched by Mercurius' loaders.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import Fastify from 'fastify'
import mercurius from 'mercurius'
import pg from 'pg'

pg.types.setTypeParser(20, Number) // bigint: money here stays far below 2^53 tiyin

const key = createHmac('sha256', createHash('sha256').update(process.env.KABINET_SECRET_KEY).digest())
  .update('access-token').digest()
const pool = new pg.Pool({ connectionString: process.env.KABINET_DATABASE_URL, max: 12 })
const split = Boolean(process.env.LOADERS)

const run = async (name, text, values = []) => (await pool.query({ name, text, values })).rows

const SUBSCRIPTIONS = (first) => `(SELECT json_agg(json_build_array(u.id, u.phone, u.status, u.activated_on, u.ends_on,
    u.auto_renew, u.code, u.name, u.paid, u.steps))
  FROM (SELECT u.*, d.code, d.name,
      (SELECT sum(o.months) FROM product_subscription o WHERE o.subscriber_id = p.id AND o.product_id = d.id) AS paid,
      (SELECT json_agg(json_build_array(t.from_month, t.to_month, t.price))
       FROM product_price_step t WHERE t.product_id = d.id) AS steps
    FROM product_subscription u JOIN product d ON d.id = u.product_id
    WHERE u.subscriber_id = p.id ORDER BY u.created_at DESC, u.id DESC LIMIT ${first}) u) AS subscriptions`
const ACCOUNTS = `(SELECT json_agg(json_build_array(a.id, a.number, l.balance) ORDER BY a.opened_at, a.id)
  FROM (SELECT * FROM personal_account WHERE subscriber_id = p.id ORDER BY opened_at, id LIMIT 5) a
  JOIN ledger_account l ON l.id = a.ledger_account_id) AS accounts`
const WALLET = `(SELECT json_build_array(w.id, w.number, w.level, w.status, l.balance,
    (SELECT amount FROM bhm WHERE effective_from <= $2 ORDER BY effective_from DESC LIMIT 1),
    (SELECT sum(amount) FROM ledger_entry e
     WHERE e.account_id = l.id AND e.at >= $3 AND e.kind IN ('top_up', 'transfer_in')),
    (SELECT min(at) FROM ledger_entry e
     WHERE e.account_id = l.id AND e.at >= $3 AND e.kind IN ('top_up', 'transfer_in')))
  FROM wallet w JOIN ledger_account l ON l.id = w.ledger_account_id
  WHERE w.subscriber_id = p.id AND w.status <> 'closed' ORDER BY w.id LIMIT 1) AS wallet`
const ORDERS = `(SELECT json_agg(json_build_array(r.public_id, r.status, r.total))
  FROM (SELECT * FROM product_order WHERE subscriber_id = p.id ORDER BY created_at DESC, id DESC LIMIT 5) r) AS orders`
const WHO = `p.id, p.kind, p.last_name, p.first_name, p.patronymic, p.organisation_name, p.status, p.language, s.phone`
const FROM_SESSION = `FROM session s JOIN subscriber p ON p.id = s.subscriber_id
  WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at >`
const HOME = `SELECT ${WHO}, ${ACCOUNTS}, ${WALLET}, ${SUBSCRIPTIONS(5)}, ${ORDERS} ${FROM_SESSION} $4`
const SIGNED_IN = `SELECT ${WHO} ${FROM_SESSION} $2`
const HELD = `SELECT ${SUBSCRIPTIONS(20)} ${FROM_SESSION} $2`
const STATEMENT = `SELECT l.balance,
    (SELECT json_agg(json_build_array(e.id, e.at, e.kind, e.amount, e.balance_after, e.seq))
     FROM (SELECT * FROM ledger_entry WHERE account_id = l.id ORDER BY seq DESC, id DESC LIMIT 21) e) AS entries
  FROM session s JOIN wallet w ON w.subscriber_id = s.subscriber_id AND w.status <> 'closed'
  JOIN ledger_account l ON l.id = w.ledger_account_id
  WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2
  ORDER BY CASE WHEN w.phone = s.phone THEN 0 ELSE 1 END, w.id LIMIT 1`
const TARIFFS = `SELECT t.id, t.code, t.name, t.monthly_fee,
    (SELECT json_agg(json_build_array(a.kind, a.amount, a.unit)) FROM tariff_allowance a
     WHERE a.tariff_id = t.id) AS allowances,
    (SELECT json_agg(json_build_array(z.code, z.name, l.unit, l.price) ORDER BY l.position)
     FROM price_line l JOIN price_zone z ON z.id = l.zone_id
     WHERE l.tariff_code = t.code AND l.price_list_id = (SELECT e.id FROM price_list e
       WHERE e.effective_from <= $1 AND EXISTS
         (SELECT 1 FROM price_line m WHERE m.price_list_id = e.id AND m.tariff_code = t.code)
       ORDER BY e.effective_from DESC, e.id DESC LIMIT 1)) AS prices
  FROM tariff t WHERE NOT t.archived ORDER BY t.position, t.id LIMIT 50`
const PRODUCTS = `SELECT p.id, p.code, p.name,
    (SELECT json_agg(json_build_array(s.from_month, s.to_month, s.price) ORDER BY s.from_month)
     FROM product_price_step s WHERE s.product_id = p.id) AS steps
  FROM product p WHERE p.on_sale ORDER BY p.position, p.id LIMIT 50`
const SEND = `SELECT verdict, transfer, balance FROM wallet_transfer($1, $2, $3, $4, $5, $6, '', $7, $8, $9, $10)
  AS f (${process.env.TRANSFER_ANSWER})`

const globalId = (kind, id) => Buffer.from(`${kind}:${id}`).toString('base64url')
const day = (ms) => new Date(ms + 5 * 3_600_000).toISOString().slice(0, 10) // Tashkent is five hours ahead
const midnight = (text) => Date.parse(`${text}T00:00:00+05:00`)
const later = (text, days) => new Date(Date.parse(text) + days * 86_400_000).toISOString().slice(0, 10)
const instant = (micros) => {
  const rest = micros % 1_000_000
  const whole = new Date((micros - rest) / 1000 + 5 * 3_600_000).toISOString().slice(0, 19)
  return `${whole}${rest ? '.' + String(rest).padStart(6, '0') : ''}+05:00`
}
const amountOf = (tiyin) => {
  const size = Math.abs(tiyin)
  return `${tiyin < 0 ? '-' : ''}${Math.floor(size / 100)}.${String(size % 100).padStart(2, '0')}`
}
const formattedOf = (tiyin) => {
  const size = Math.abs(tiyin)
  const whole = String(Math.floor(size / 100)).replace(/\B(?=(\d{3})+$)/g, ',')
  const rest = size % 100 ? '.' + String(size % 100).padStart(2, '0') : ''
  return `${tiyin < 0 ? '\u2212' : ''}${whole}${rest}\u00a0so\u02bbm`
}
const money = (tiyin) => ({ tiyin })

const claims = (request) => {
  const [head, body, signature] = request.headers.authorization.slice(7).split('.')
  const expected = createHmac('sha256', key).update(`${head}.${body}`).digest()
  if (!timingSafeEqual(expected, Buffer.from(signature, 'base64url'))) throw new Error('a token that is not ours')
  const read = JSON.parse(Buffer.from(body, 'base64url'))
  if (read.exp * 1000 < Date.now()) throw new Error('a token that is over')
  return read
}

const subscription = (u, today) => {
  const month = u[8] + 1
  const status = u[2] === 'active' && u[4] < today && !u[5] ? 'expired' : u[2]
  const left = (Date.parse(u[4]) - Date.parse(today)) / 86_400_000
  return {
    id: globalId('ProductSubscription', u[0]), phone: u[1], status: status.toUpperCase(), activatedOn: u[3],
    endsOn: u[4], daysLeft: status === 'active' ? Math.max(left, 0) : 0,
    price: money(u[9].find((s) => s[0] <= month && (s[1] === null || month <= s[1]))[2]),
    product: { code: u[6], name: JSON.parse(u[7]).en }
  }
}
const wallet = (w) => {
  const light = w[2] === 'light'
  const limit = 5 * w[5]
  return {
    id: globalId('Wallet', w[0]), number: w[1], level: w[2].toUpperCase(), status: w[3].toUpperCase(),
    balance: money(w[4]),
    limits: {
      topUpLimit: light ? money(limit) : null, balanceLimit: light ? money(limit) : null,
      topUpLeft: light ? money(Math.max(limit - (w[6] ?? 0), 0)) : null,
      resetsAt: light && w[7] ? `${later(day(w[7] / 1000), 30)}T00:00:00+05:00` : null
    }
  }
}
const accounts = (rows) => ({ nodes: (rows ?? []).map((a) => ({ id: globalId('Account', a[0]), number: a[1], balance: money(a[2]) })) })
const orders = (rows) => ({ nodes: (rows ?? []).map((o) => ({ id: globalId('Order', o[0]), status: o[1].toUpperCase(), total: money(o[2]) })) })
const subscriptions = (rows, today) => ({ nodes: (rows ?? []).map((u) => subscription(u, today)) })
const window = (today) => (midnight(today) - 29 * 86_400_000) * 1000

const viewerOf = (row) => ({
  subscriberId: row.id,
  subscriber: {
    id: globalId('Subscriber', row.id), kind: row.kind.toUpperCase(), phone: row.phone,
    name: row.organisation_name || [row.last_name, row.first_name, row.patronymic].filter(Boolean).join(' '),
    status: row.status.toUpperCase()
  },
  language: row.language.toUpperCase().replace('-', '_')
})

// Which statement a screen needs is known by the name of its operation, as in the hand-written server by its route.
const viewer = async (_root, _args, context, info) => {
  const { sid } = claims(context.reply.request)
  const now = Date.now()
  const today = day(now)
  const screen = info.operation.name.value
  if (screen === 'Statement') {
    const [row] = await run('statement', STATEMENT, [sid, now * 1000])
    const entries = row.entries ?? []
    const edges = entries.slice(0, 20).map((e) => ({
      cursor: Buffer.from(`${e[5]}.${e[0]}`).toString('base64').replaceAll('+', '-').replaceAll('/', '_'),
      node: {
        id: globalId('Entry', e[0]), at: instant(e[1]), kind: e[2].toUpperCase(), amount: money(e[3]),
        balanceAfter: money(e[4])
      }
    }))
    const pageInfo = { hasNextPage: entries.length > 20, endCursor: edges.at(-1)?.cursor ?? null }
    return { wallet: { balance: money(row.balance), entries: { edges, pageInfo } } }
  }
  if (screen === 'Subscriptions') {
    const [row] = await run('held', HELD, [sid, now * 1000])
    return { subscriptions: subscriptions(row.subscriptions, today) }
  }
  if (split) {
    const [row] = await run('signed-in', SIGNED_IN, [sid, now * 1000])
    return viewerOf(row)
  }
  const [row] = await run('home', HOME, [sid, today, window(today), now * 1000])
  return {
    ...viewerOf(row), accounts: accounts(row.accounts), wallet: row.wallet && wallet(row.wallet),
    subscriptions: subscriptions(row.subscriptions, today), orders: orders(row.orders)
  }
}

const tariffs = async () => ({
  nodes: (await run('tariffs', TARIFFS, [day(Date.now())])).map((t) => ({
    id: globalId('Tariff', t.id), code: t.code, name: JSON.parse(t.name).en, monthlyFee: money(t.monthly_fee),
    allowances: (t.allowances ?? []).map((a) => ({ kind: a[0].toUpperCase(), amount: String(a[1]), unit: a[2].toUpperCase() })),
    prices: (t.prices ?? []).map((p) => ({
      zone: { code: p[0], name: JSON.parse(p[1]).en }, unit: p[2].toUpperCase(), price: money(p[3])
    }))
  }))
})
const products = async () => ({
  nodes: (await run('products', PRODUCTS)).map((p) => ({
    id: globalId('Product', p.id), code: p.code, name: JSON.parse(p.name).en,
    priceSteps: (p.steps ?? []).map((s) => ({ fromMonth: s[0], toMonth: s[1], price: money(s[2]) }))
  }))
})

const transfer = async (_root, { input }, context) => {
  const { sub, sid } = claims(context.reply.request)
  const now = Date.now()
  const [whole, part = ''] = input.amount.split('.')
  const tiyin = Number(whole) * 100 + Number(part.padEnd(2, '0'))
  const digest = createHash('sha256').update(JSON.stringify([input.to, tiyin])).digest('hex')
  const [row] = await run('send', SEND, [
    Number(sub), sid, `subscriber:${sub}:transfer`, input.idempotencyKey, digest, input.to, tiyin, now * 1000, day(now),
    window(day(now))
  ])
  if (row.verdict !== 'POSTED') return { __typename: 'Refused', code: row.verdict, message: 'Nothing was moved.' }
  return {
    __typename: 'Transfer', id: globalId('Transfer', row.transfer), amount: money(tiyin),
    wallet: { balance: money(row.balance) }
  }
}

const schema = `
  type Money { amount: String! currency: String! formatted: String! }
  type Subscriber { id: ID! kind: String! name: String! phone: String! status: String! }
  type Account { id: ID! number: String! balance: Money! }
  type Accounts { nodes: [Account!]! }
  type Limits { topUpLimit: Money topUpLeft: Money balanceLimit: Money resetsAt: String }
  type Entry { id: ID! at: String! kind: String! amount: Money! balanceAfter: Money! }
  type EntryEdge { cursor: String! node: Entry! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type Entries { edges: [EntryEdge!]! pageInfo: PageInfo! }
  type Wallet { id: ID! number: String! level: String! status: String! balance: Money! limits: Limits!
                entries(first: Int!): Entries! }
  type Product { id: ID! code: String! name: String! priceSteps: [PriceStep!]! }
  type PriceStep { fromMonth: Int! toMonth: Int price: Money! }
  type Subscription_ { id: ID! phone: String! status: String! activatedOn: String! endsOn: String! daysLeft: Int!
                       price: Money! product: Product! }
  type Subscriptions { nodes: [Subscription_!]! }
  type Order { id: ID! status: String! total: Money! }
  type Orders { nodes: [Order!]! }
  type Viewer { subscriber: Subscriber! language: String! accounts(first: Int!): Accounts! wallet: Wallet
                subscriptions(first: Int!): Subscriptions! orders(first: Int!): Orders! }
  type Allowance { kind: String! amount: String! unit: String! }
  type Zone { code: String! name: String! }
  type Price { zone: Zone! unit: String! price: Money! }
  type Tariff { id: ID! code: String! name: String! monthlyFee: Money! allowances: [Allowance!]! prices: [Price!]! }
  type Tariffs { nodes: [Tariff!]! }
  type Products { nodes: [Product!]! }
  interface Problem { code: String! message: String! }
  type Refused implements Problem { code: String! message: String! }
  type Transfer { id: ID! amount: Money! wallet: Wallet! }
  union TransferResult = Transfer | Refused
  input TransferInput { to: ID! amount: String! idempotencyKey: ID! }
  type Query { viewer: Viewer! tariffs(first: Int!): Tariffs! products(first: Int!): Products! }
  type Mutation { transfer(input: TransferInput!): TransferResult! }
`
const resolvers = {
  Query: { viewer, tariffs, products },
  Mutation: { transfer },
  Money: {
    amount: (value) => amountOf(value.tiyin), currency: () => 'UZS', formatted: (value) => formattedOf(value.tiyin)
  }
}

// One statement for each kind of thing, for all the subscribers of a batch.
const each = (name, part, make, facts = () => []) => async (queries) => {
  const ids = queries.map(({ obj }) => obj.subscriberId)
  const text = `SELECT p.id, ${part} FROM subscriber p WHERE p.id = ANY($1)`
  const rows = new Map((await run(name, text, [ids, ...facts()])).map((row) => [row.id, row]))
  return ids.map((id) => make(rows.get(id)))
}
const todays = () => [day(Date.now()), window(day(Date.now()))]
const loaders = split && {
  Viewer: {
    accounts: each('l-accounts', ACCOUNTS, (row) => accounts(row.accounts)),
    wallet: async (queries) => queries[0].obj.wallet !== undefined
      ? queries.map(({ obj }) => obj.wallet)
      : each('l-wallet', WALLET, (row) => row.wallet && wallet(row.wallet), todays)(queries),
    subscriptions: async (queries) => queries[0].obj.subscriptions !== undefined
      ? queries.map(({ obj }) => obj.subscriptions)
      : each('l-held', SUBSCRIPTIONS(5), (row) => subscriptions(row.subscriptions, day(Date.now())))(queries),
    orders: each('l-orders', ORDERS, (row) => orders(row.orders))
  }
}

const app = Fastify()
app.register(mercurius, { schema, resolvers, jit: 1, ...(loaders ? { loaders } : {}) })
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
process.on('SIGTERM', () => process.exit(0))
