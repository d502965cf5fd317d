-- ARGV: calls per hour of our own (0: any number), share left to others in per cent.
local perhour, spare, now = tonumber(ARGV[1]), tonumber(ARGV[2]), time()
local blocked = field('blocked')
if blocked > now then
	return blocked - now
end
local reset = field('reset')
if reset > now and field('left') <= math.floor(field('limit') * spare / 100) then
	return reset - now
end
if perhour > 0 then
	if field('ends') <= now then
		call('HSET', key, 'used', 0, 'ends', int(now + 3600 * 1000))
	end
	if field('used') >= perhour - math.floor(perhour * spare / 100) then
		return field('ends') - now
	end
	call('HINCRBY', key, 'used', 1)
	keep()
end
if reset > now then
	call('HINCRBY', key, 'left', -1)
end
return 0
