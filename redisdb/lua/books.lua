-- The words that all scripts on the ledger share. KEYS[1] begins the name of every key.
--
-- An amount is {dollars, nanodollars, tokens, calls}: a Lua number is exact to 2^53 only, and a budget may have more
-- nanodollars. Moments are microseconds.
local P = KEYS[1]
local E9, MAX = 1000000000, 9000000000000000
local BUCKETS = 60

local function none() return {0, 0, 0, 0} end

local function plus(a, b)
  local d, n = a[1] + b[1], a[2] + b[2]
  if n >= E9 then d, n = d + 1, n - E9 end
  return {math.min(d, MAX), n, math.min(a[3] + b[3], MAX), math.min(a[4] + b[4], MAX)}
end

-- minus subtracts, down to nothing.
local function minus(a, b)
  local d, n = a[1] - b[1], a[2] - b[2]
  if n < 0 then d, n = d - 1, n + E9 end
  if d < 0 then d, n = 0, 0 end
  return {d, n, math.max(0, a[3] - b[3]), math.max(0, a[4] - b[4])}
end

local function is_none(a) return a[1] == 0 and a[2] == 0 and a[3] == 0 and a[4] == 0 end

-- within says whether an amount is inside a limit whose zero parts bound nothing.
local function within(a, l)
  return (l[1] == 0 and l[2] == 0 or a[1] < l[1] or a[1] == l[1] and a[2] <= l[2])
    and (l[3] == 0 or a[3] <= l[3]) and (l[4] == 0 or a[4] <= l[4])
end

-- The arguments, one after the other.
local next_arg = 0
local function text()
  next_arg = next_arg + 1
  return ARGV[next_arg]
end
local function num() return tonumber(text()) end
local function amount() return {num(), num(), num(), num()} end

local function whole(n) return string.format('%.0f', n) end

-- An account: g its incarnation, w the width of a bucket of a rolling window (0: calendar or lifetime), c the present
-- cell, u when that ends (0: never, or not known), l the limit, h whether it is hard, s since when it counts, f whether it
-- was filled, d when it is to be filled (0: no more); P S H O the sums over the cells of the present window: past, spent,
-- held, overrun. A cell: n holds that began in it; p s h o.
local accounts = {}

local function account(key)
  local a = accounts[key]
  if a == nil then
    local packed = redis.call('HGET', P .. 'a:' .. key, 'm')
    a = packed and cmsgpack.unpack(packed) or false
    if a then a.key, a.cells = key, {} end
    accounts[key] = a
  end
  return a
end

local function cell(a, n)
  local c = a.cells[n]
  if not c then
    local packed = redis.call('HGET', P .. 'a:' .. a.key, 'c' .. whole(n))
    c = packed and cmsgpack.unpack(packed) or {n = 0, p = none(), s = none(), h = none(), o = none()}
    a.cells[n] = c
  end
  return c
end

local function save()
  for key, a in pairs(accounts) do
    if a then
      local name = P .. 'a:' .. key
      for n, c in pairs(a.cells) do
        if c.gone then
          redis.call('HDEL', name, 'c' .. whole(n))
        else
          redis.call('HSET', name, 'c' .. whole(n), cmsgpack.pack(c))
        end
      end
      redis.call('HSET', name, 'm', cmsgpack.pack({
        g = a.g, w = a.w, c = a.c, u = a.u, l = a.l, h = a.h, s = a.s, f = a.f, d = a.d, P = a.P, S = a.S, H = a.H, O = a.O,
      }))
    end
  end
end

local function live(a, n) return n >= a.c - (a.w > 0 and BUCKETS or 0) end

local function retire(a, n)
  local c = cell(a, n)
  a.P, a.S, a.H, a.O = minus(a.P, c.p), minus(a.S, c.s), minus(a.H, c.h), minus(a.O, c.o)
  if c.n <= 0 then c.gone = true end
end

-- cells_of gives the numbers of all cells that are stored.
local function cells_of(a)
  local out = {}
  for _, field in ipairs(redis.call('HKEYS', P .. 'a:' .. a.key)) do
    if string.sub(field, 1, 1) == 'c' then out[#out + 1] = tonumber(string.sub(field, 2)) end
  end
  return out
end

-- roll makes the present window be that of a moment; it never goes back. A calendar's cell is told by who knows
-- calendars; without that, a window that has ended is left for the one that begins where it ends.
local function roll(a, at, cur, till)
  if a.w > 0 then
    cur = math.floor(at / a.w)
    if cur <= a.c then return end
    local before = a.c
    a.c = cur
    for _, n in ipairs(cells_of(a)) do
      if n >= before - BUCKETS and n < cur - BUCKETS then retire(a, n) end
    end
    return
  end
  if not cur then
    if a.u == 0 or at < a.u then return end
    cur, till = math.floor(a.u / 1000000), 0
  end
  if cur > a.c then
    local before = a.c
    a.c = cur
    a.u = till
    retire(a, before)
  elseif cur == a.c and till > 0 then
    a.u = till
  end
end

-- told reads an account with its present cell and limit from the arguments; false when it is not there.
local function told(at)
  local key, cur, till, hard, limit = text(), num(), num(), num(), amount()
  local a = account(key)
  if a then
    a.l, a.h = limit, hard
    roll(a, at, cur, till)
  end
  return a
end

local function room(a, more) return within(plus(plus(plus(a.P, a.S), a.H), more), a.l) end

local function hold(a, n, more, holds)
  local c = cell(a, n)
  c.n, c.h, c.gone = c.n + holds, plus(c.h, more), nil
  if live(a, n) then a.H = plus(a.H, more) end
end

local function unhold(a, n, less)
  local c = cell(a, n)
  c.n, c.h = c.n - 1, minus(c.h, less)
  if live(a, n) then
    a.H = minus(a.H, less)
  elseif c.n <= 0 then
    c.gone = true
  end
end

-- charge counts a cost of which a part was held. Only what is bounded can overrun.
local function charge(a, n, cost, held)
  if not live(a, n) then return end
  local over, l = minus(cost, held), a.l
  if l[1] == 0 and l[2] == 0 then over[1], over[2] = 0, 0 end
  if l[3] == 0 then over[3] = 0 end
  if l[4] == 0 then over[4] = 0 end
  local c = cell(a, n)
  c.s, c.o, c.gone = plus(c.s, cost), plus(c.o, over), nil
  a.S, a.O = plus(a.S, cost), plus(a.O, over)
end

-- usage appends what an account has spent, holds and has overrun.
local function usage(out, a)
  for _, sum in ipairs({plus(a.P, a.S), a.H, a.O}) do
    for i = 1, 4 do out[#out + 1] = sum[i] end
  end
end

-- A hold: s its state, e its end, b its beginning, v when all its windows are over, i what people see of it, k its kind,
-- p where its claims are: {account, incarnation, cell, amount}.
local OPEN, SENT, PRESUMED = 'open', 'sent', 'presumed'
-- Kinds: of a call under way; of one that was lost before this ledger counted; of one that began before its accounts did,
-- under way and ended.
local USUAL, LOST, CARRIED, DONE = 0, 1, 2, 3

local function get(id)
  local packed = redis.call('HGET', P .. 'h', id)
  return packed and cmsgpack.unpack(packed)
end

local function put(id, h, score)
  redis.call('HSET', P .. 'h', id, cmsgpack.pack(h))
  if score then redis.call('ZADD', P .. 'x', score, id) end
end

local function drop(id)
  redis.call('HDEL', P .. 'h', id)
  redis.call('ZREM', P .. 'x', id)
end

-- places gives the accounts of a hold that are still there, with the places.
local function places(h, at)
  local out = {}
  for _, p in ipairs(h.p) do
    local a = account(p[1])
    if a and a.g == p[2] then
      roll(a, at)
      out[#out + 1] = {a, p}
    end
  end
  return out
end

-- release ends a hold. One whose call may still be settled is remembered while a window shows it.
local function release(id, h, at)
  drop(id)
  for _, place in ipairs(places(h, at)) do unhold(place[1], place[2][3], place[2][4]) end
  if h.k == USUAL or h.k == LOST then
    redis.call('HSET', P .. 'e', id, cmsgpack.pack(h))
    redis.call('ZADD', P .. 'y', h.v, id)
  end
end
