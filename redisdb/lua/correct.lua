-- Correct: at, the cell, dollars and nanodollars, whether they are taken away, account. Answers -1 when the account is not there.
local at, n, usd, less = num(), num(), {num(), num(), 0, 0}, num() == 1
local a = told(at)
if not a then return -1 end
if not live(a, n) or n > a.c then return 0 end
if not less then
  local c = cell(a, n)
  c.s, a.S, c.gone = plus(c.s, usd), plus(a.S, usd), nil
  save()
  return 1
end
-- What began in the cell may have been counted in a later one.
local later = {}
for _, m in ipairs(cells_of(a)) do
  if m >= n and live(a, m) then later[#later + 1] = m end
end
table.sort(later)
local function take(of, sum)
  local have = {of[1], of[2], 0, 0}
  local part = within(usd, have) and not is_none(have) and usd or have
  usd = minus(usd, part)
  return minus(of, part), minus(sum, part)
end
for _, m in ipairs(later) do
  local c = cell(a, m)
  c.s, a.S = take(c.s, a.S)
  c.p, a.P = take(c.p, a.P)
end
save()
return 1
