//! The groups of rows that a table has, and what their keys consist of.

/// A list of names of its own, to which parts of keys refer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// Agents.
    Agents,
    /// Models with their providers.
    Models,
    /// Types of activity.
    Kinds,
    /// Projects.
    Projects,
    /// Values of tracked dimensions.
    Values,
    /// Tracked dimensions.
    Dimensions,
    /// Values of all tracked dimensions at once.
    Combinations,
}

impl Domain {
    /// All of them, in the order in which they are stored.
    pub const ALL: [Self; 7] = [
        Self::Agents,
        Self::Models,
        Self::Kinds,
        Self::Projects,
        Self::Values,
        Self::Dimensions,
        Self::Combinations,
    ];
}

/// What a part of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A name of a domain, or [`NONE`].
    Name(Domain),
    /// A number.
    Number,
}

/// In a key, stands for no name.
pub const NONE: i32 = -1;

/// The key of a row: as many numbers as its group has parts, the rest 0. A name is given by its position in the table.
pub type Key = [i32; 5];

/// Rows with keys of the same parts. Stored by number: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Group {
    /// Calls in full detail: agent, model, task type (0: another; else its position in
    /// [`TASK_TYPES`](crate::rollup::TASK_TYPES) plus 1), input length (0: short; else the position in
    /// [`INPUT_LENGTHS`](crate::rollup::INPUT_LENGTHS) of the largest limit exceeded, plus 1), own provider key.
    Calls,
    /// Tasks in full detail: agent.
    Tasks,
    /// The activity log in full detail: agent or none, day (UTC), hour, type.
    Activity,
    /// Compute by hour (UTC): project, hour since 1970.
    ProjectHours,
    /// Compute by day of the organization: project, day.
    ProjectDays,
    /// End users: sets by bucket, and no rows.
    EndUsers,
    /// An organization's calls: model.
    OrgModels,
    /// An organization's latencies and tasks.
    OrgWork,
    /// An organization's activity: known type.
    OrgActivity,
    /// Agents' calls, latencies and tasks: agent.
    Agents,
    /// Agents' activity: agent, known type.
    AgentActivity,
    /// Agents' calls: agent, model.
    AgentModels,
    /// Agents' calls by known task type: agent, task type.
    AgentTaskTypes,
    /// Agents' calls with long inputs: agent, model, input length.
    AgentLengths,
    /// Agents' calls in full detail: agent, model, task type, input length. What is left of [`Group::Calls`] where the
    /// organization's rows are in another chain.
    AgentCalls,
    /// Calls and tasks by tracked dimension: value or none, dimension, model or none.
    TrackedValues,
    /// Calls and tasks in full detail: combination of the values of all tracked dimensions, model or none. A batch takes a
    /// fraction of what it would with a row for each dimension.
    TrackedCalls,
    /// An organization's calls and tasks by hour: hour since 1970 (UTC), model or none.
    OrgHours,
}

impl Group {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::Calls,
        Self::Tasks,
        Self::Activity,
        Self::ProjectHours,
        Self::ProjectDays,
        Self::EndUsers,
        Self::OrgModels,
        Self::OrgWork,
        Self::OrgActivity,
        Self::Agents,
        Self::AgentActivity,
        Self::AgentModels,
        Self::AgentTaskTypes,
        Self::AgentLengths,
        Self::AgentCalls,
        Self::TrackedValues,
        Self::TrackedCalls,
        Self::OrgHours,
    ];

    /// The parts of the group's keys.
    pub const fn parts(self) -> &'static [Part] {
        const AGENT: Part = Part::Name(Domain::Agents);
        const MODEL: Part = Part::Name(Domain::Models);
        const KIND: Part = Part::Name(Domain::Kinds);
        const PROJECT: Part = Part::Name(Domain::Projects);
        match self {
            Self::OrgHours => &[Part::Number, MODEL],
            Self::TrackedCalls => &[Part::Name(Domain::Combinations), MODEL],
            Self::TrackedValues => &[Part::Name(Domain::Values), Part::Name(Domain::Dimensions), MODEL],
            Self::AgentCalls => &[AGENT, MODEL, Part::Number, Part::Number],
            Self::Calls => &[AGENT, MODEL, Part::Number, Part::Number, Part::Number],
            Self::Activity => &[AGENT, Part::Number, Part::Number, KIND],
            Self::ProjectHours | Self::ProjectDays => &[PROJECT, Part::Number],
            Self::EndUsers => &[Part::Number],
            Self::OrgWork => &[],
            Self::OrgModels => &[MODEL],
            Self::OrgActivity => &[KIND],
            Self::Tasks | Self::Agents => &[AGENT],
            Self::AgentActivity => &[AGENT, KIND],
            Self::AgentModels => &[AGENT, MODEL],
            Self::AgentTaskTypes => &[AGENT, Part::Number],
            Self::AgentLengths => &[AGENT, MODEL, Part::Number],
        }
    }
}
