-- KEYS: what the failure counts at. ARGV: see attempts.lua.
for _, one in ipairs(remembered()) do
  add(one)
  remember(one)
end
return 1
