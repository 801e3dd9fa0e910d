-- Usage: at, account. Answers nothing when it is not there.
local at = num()
local a = told(at)
if not a then return {} end
local out = {}
usage(out, a)
save()
return out
