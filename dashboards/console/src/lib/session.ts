/** Who is signed in, and what that lets one do. The service decides; the console only leaves out what it would refuse. */

import { useGet } from './api'

export type Role = 'viewer' | 'developer' | 'approver' | 'admin'
export const roles: readonly Role[] = ['viewer', 'developer', 'approver', 'admin']

/** What each role is for, in words. */
export const about: Record<Role, string> = {
  viewer: 'reads everything', developer: 'changes prompts and experiments, and tries them out', approver: 'reviews and merges changes of protected labels', admin: 'may do everything',
}

export interface Session { signed_in: boolean; name?: string; role?: Role }

/** may says whether a role is the wanted one or more. */
export const may = (role: Role | undefined, want: Role): boolean => role !== undefined && roles.indexOf(role) >= roles.indexOf(want)

/** useSession gives one's name and role; until they are known one may do nothing. */
export function useSession(): { name: string; role: Role | undefined; may: (want: Role) => boolean; known: boolean } {
  const s = useGet<Session>('/api/v1/session')
  const role = s.data?.role
  return { name: s.data?.name ?? '', role, may: (want) => may(role, want), known: s.data !== undefined || s.error !== undefined }
}
