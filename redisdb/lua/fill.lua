-- Fill: at, account, number of moments after the beginning at which it is to be filled again and those, n pasts: cell,
-- amount; n lost calls: id, call, attempt, project, key, model, provider, began, cell, over, amount. Answers -1 when the
-- account is not there.
local at = num()
local a = told(at)
if not a then return -1 end
local again = 0
for _ = 1, num() do
  local after = num()
  if again == 0 and a.s + after > at then again = a.s + after end
end
a.f, a.d = 1, again
for _, n in ipairs(cells_of(a)) do
  local c = cell(a, n)
  c.p = none()
end
a.P = none()
for _ = 1, num() do
  local n, more = num(), amount()
  if live(a, n) and n <= a.c then
    local c = cell(a, n)
    c.p, a.P, c.gone = plus(c.p, more), plus(a.P, more), nil
  end
end
local index = P .. 'l:' .. a.key
for _, id in ipairs(redis.call('SMEMBERS', index)) do
  local h = get(id)
  if h and h.k == LOST then
    local rest = {}
    for _, p in ipairs(h.p) do
      if p[1] ~= a.key then
        rest[#rest + 1] = p
      elseif p[2] == a.g then
        unhold(a, p[3], p[4])
      end
    end
    h.p = rest
    if #rest == 0 then drop(id) else put(id, h) end
  end
end
redis.call('DEL', index)
for _ = 1, num() do
  local id = text()
  local i = {text(), num(), text(), text(), text(), text()}
  local began, n, over, held = num(), num(), num(), amount()
  if live(a, n) and n <= a.c and not redis.call('ZSCORE', P .. 'r', id) then
    local h = get(id) or {s = PRESUMED, b = began, e = began, v = over, k = LOST, i = i, p = {}}
    if h.k == LOST then
      hold(a, n, held, 1)
      h.p[#h.p + 1] = {a.key, a.g, n, held}
      h.v = math.max(h.v, over)
      put(id, h, h.v)
      redis.call('SADD', index, id)
    end
  end
end
save()
return 1
