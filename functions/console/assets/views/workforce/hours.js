/** Hours saved: measured and estimated. */

export const HOURS = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** Whether an agent's tasks report the minutes that they saved. Otherwise its hours are the registered estimate. */
export function isMeasured(agent) {
  return agent.hours_saved > 0 && agent.hours_saved !== agent.estimated_hours_saved;
}
