-- Join: opens the accounts that are not there, and says how each stands. at, lease, n, then of each: width, account.
local at, lease, n = num(), num(), num()
local out = {}
for _ = 1, n do
  local width = num()
  local key = ARGV[next_arg + 1]
  if not account(key) then
    accounts[key] = {
      key = key, cells = {}, g = redis.call('INCR', P .. 'g'), w = width, c = width > 0 and math.floor(at / width) or tonumber(ARGV[next_arg + 2]),
      u = 0, l = none(), h = 0, s = at, f = 0, d = at, P = none(), S = none(), H = none(), O = none(),
    }
  end
  local a = told(at)
  local fill = 0
  if a.d > 0 and at >= a.d then
    a.d, fill = at + lease, 1
  end
  out[#out + 1], out[#out + 2], out[#out + 3] = a.s, a.f, fill
end
save()
return out
