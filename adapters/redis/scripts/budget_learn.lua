-- ARGV: calls left, limit, milliseconds until the reset. Answers overtake each
-- other: of one period the smallest number counts.
local left, limit, reset = tonumber(ARGV[1]), tonumber(ARGV[2]), time() + tonumber(ARGV[3])
local apart, same = reset - field('reset'), 5000
if apart < -same then
	return 0
end
if apart <= same then
	call('HSET', key, 'left', int(math.min(field('left'), left)), 'limit', int(limit))
else
	call('HSET', key, 'left', int(left), 'limit', int(limit), 'reset', int(reset))
end
keep()
return 1
