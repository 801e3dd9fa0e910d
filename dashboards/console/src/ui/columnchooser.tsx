/** How the list is shown: which columns, in which order, how dense. */

import { column, columns, densities, fixed, isUsual, move, toggle, usual, type Density } from '../lib/columns'
import { Icon } from './icons'
import { Popover, Segmented } from './parts'

export function ColumnChooser({ shown, onChange, density, onDensity }: { shown: readonly string[]; onChange: (ids: string[] | undefined) => void; density: Density; onDensity: (d: Density) => void }) {
  const hidden = columns.filter((c) => !shown.includes(c.id))
  const order = (id: string, by: 1 | -1) => {
    onChange(move(shown, id, by))
    // The button moves with its column, and keeps the focus.
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`.chooser [data-move="${id} ${by}"]:not(:disabled), .chooser [data-move="${id} ${-by}"]`)?.focus())
  }
  return (
    <Popover right label="Columns" width={300} button={<><Icon name="table" size={14} /><span class="wide">Columns</span></>}>
      {() => (
        <div class="chooser">
          <div class="row"><span class="grow muted">Rows</span><Segmented small label="Rows" value={density} options={densities.map((d) => [d, d] as const)} onChange={onDensity} /></div>
          <div class="chosen" role="group" aria-label="Columns that are shown">
            {shown.map((id, i) => {
              const c = column(id)!
              return (
                <div class="row" key={id}>
                  <label class="check grow"><input type="checkbox" checked disabled={id === fixed} onChange={() => onChange(toggle(shown, id))} /><span class="cut" title={c.about}>{c.name}{c.about && <span class="faint">{c.about}</span>}</span></label>
                  <button type="button" class="btn quiet small icon" data-move={id + ' -1'} disabled={i === 0} aria-label={`Move ${c.name} to the left`} title="To the left" onClick={() => order(id, -1)}><Icon name="up" size={13} /></button>
                  <button type="button" class="btn quiet small icon" data-move={id + ' 1'} disabled={i === shown.length - 1} aria-label={`Move ${c.name} to the right`} title="To the right" onClick={() => order(id, 1)}><Icon name="down" size={13} /></button>
                </div>
              )
            })}
          </div>
          <div class="chosen" role="group" aria-label="Columns that are hidden">
            {hidden.map((c) => <label class="check" key={c.id}><input type="checkbox" onChange={() => onChange(toggle(shown, c.id))} /><span class="cut" title={c.about}>{c.name}{c.about && <span class="faint">{c.about}</span>}</span></label>)}
          </div>
          <button type="button" class="btn small" disabled={isUsual(shown)} onClick={() => onChange([...usual])}>The usual columns</button>
          <p class="facet-note narrow-only">In a window as narrow as this a call is shown in two lines, without columns.</p>
        </div>
      )}
    </Popover>
  )
}
