/** The parts of a room, each with an address of its own. */

import type { ComponentChildren } from 'preact'

export interface Tab { href: string; text: string; here: boolean; mark?: ComponentChildren }

export const Tabs = ({ label, tabs }: { label: string; tabs: Tab[] }) => (
  <nav class="tabs no-print" aria-label={label}>
    {tabs.map((t) => <a key={t.href} href={t.href} aria-current={t.here ? 'page' : undefined}>{t.text}{t.mark}</a>)}
  </nav>
)
