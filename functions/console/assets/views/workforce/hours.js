/** Hours saved: measured ones, and estimates. */

export const HOURS = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** An agent whose tasks report the minutes that they saved; without such reports its hours are the registered estimate. */
export function isMeasured(agent) {
  return agent.hours_saved > 0 && agent.hours_saved !== agent.estimated_hours_saved;
}
