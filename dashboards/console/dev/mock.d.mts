import type { IncomingMessage, ServerResponse } from 'node:http'
export function createMock(o: { mode: string; now?: number }): (req: IncomingMessage, res: ServerResponse, next: () => void) => void
