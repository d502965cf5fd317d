-- ARGV: milliseconds.
local til = time() + tonumber(ARGV[1])
if til > field('blocked') then
	call('HSET', key, 'blocked', int(til))
	keep()
end
return 1
