//! Stands in for IAM: each function may do what its role in the template grants, and nothing else. A missing grant
//! fails here as it would on AWS, and an unused grant can be found.

mod request;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;

use crate::aws::tables;
use crate::template::{Condition, Operator, Statement, Template, matches};
use request::Call;

#[derive(Debug)]
pub struct Roles {
    roles: BTreeMap<String, Arc<Role>>,
    tables: Arc<BTreeMap<String, String>>,
}

/// What one function may do, and which of its grants it has used.
#[derive(Debug)]
pub struct Role {
    binary: String,
    statements: Vec<Statement>,
    /// Logical ids of tables by table name.
    tables: Arc<BTreeMap<String, String>>,
    used: Mutex<BTreeSet<Grant>>,
    refused: Mutex<BTreeSet<String>>,
    asked: Mutex<BTreeSet<String>>,
}

/// One action on one resource that a statement grants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    pub binary: String,
    /// The name of the statement.
    pub sid: String,
    pub action: String,
    /// In the template's notation, such as `UsageTable.Arn`.
    pub resource: String,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { binary, sid, action, resource } = self;
        write!(f, "{binary} may {action} on {resource} ({sid})")
    }
}

impl Roles {
    pub fn of(template: &Template) -> Self {
        let tables = template.tables.iter().map(|table| (tables::table_name(&table.id), table.id.clone()));
        let tables = Arc::new(tables.collect());
        let role = |(binary, statements): (&String, &Vec<Statement>)| {
            (binary.clone(), Arc::new(Role::new(binary, statements.clone(), Arc::clone(&tables))))
        };
        Self { roles: template.roles.iter().map(role).collect(), tables }
    }

    /// Restricts `client` to what a function's role grants. A function that is not in the template may do nothing.
    pub fn client(&self, binary: &str, client: &Client) -> Client {
        let no_role = || Arc::new(Role::new(binary, Vec::new(), Arc::clone(&self.tables)));
        let role = self.roles.get(binary).cloned().unwrap_or_else(no_role);
        Client::from_conf(client.config().to_builder().interceptor(Guard(role)).build())
    }

    /// All grants of all roles.
    pub fn granted(&self) -> BTreeSet<Grant> {
        let grants =
            |role: &Role| role.statements.iter().flat_map(|one| role.grants(one)).collect::<Vec<_>>();
        self.roles.values().flat_map(|role| grants(role)).collect()
    }

    /// The grants that have been used so far.
    pub fn used(&self) -> BTreeSet<Grant> {
        self.roles.values().flat_map(|role| locked(&role.used).clone()).collect()
    }

    /// The operations requested so far, such as `DynamoDB_20120810.Query`.
    pub fn asked(&self) -> BTreeSet<String> {
        self.roles.values().flat_map(|role| locked(&role.asked).clone()).collect()
    }

    /// The error messages of the requests refused so far.
    pub fn refused(&self) -> BTreeSet<String> {
        self.roles.values().flat_map(|role| locked(&role.refused).clone()).collect()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Role {
    fn new(binary: &str, statements: Vec<Statement>, tables: Arc<BTreeMap<String, String>>) -> Self {
        let (used, refused, asked) = Default::default();
        Self { binary: binary.to_owned(), statements, tables, used, refused, asked }
    }

    fn grants<'a>(&'a self, statement: &'a Statement) -> impl Iterator<Item = Grant> + 'a {
        let pairs = statement.actions.iter().flat_map(|a| statement.resources.iter().map(move |r| (a, r)));
        pairs.map(|(action, resource)| Grant {
            binary: self.binary.clone(),
            sid: statement.sid.clone(),
            action: action.clone(),
            resource: resource.clone(),
        })
    }

    /// Refuses a call that no statement allows, and records the grants that an allowed call uses.
    fn check(&self, call: &Call) -> Result<(), String> {
        let allows = |one: &&Statement| {
            one.actions.contains(&call.action)
                && one.covers(&call.resource)
                && one.conditions.iter().all(|condition| is_met(condition, call))
        };
        let Some(statement) = self.statements.iter().find(allows) else {
            let Call { action, resource, context } = call;
            let with = if context.is_empty() { String::new() } else { format!(" with {context:?}") };
            return Err(format!(
                "AccessDeniedException: the role of {} in template.yaml allows no {action} on {resource}{with}",
                self.binary
            ));
        };
        let used = |grant: &Grant| grant.action == call.action && matches(&grant.resource, &call.resource);
        locked(&self.used).extend(self.grants(statement).filter(used));
        Ok(())
    }
}

fn is_met(condition: &Condition, call: &Call) -> bool {
    let values = call.context.get(condition.key.as_str());
    let allowed = |values: &BTreeSet<String>| values.iter().all(|value| condition.allowed.contains(value));
    let like = |value: &String| condition.allowed.iter().any(|pattern| matches(pattern, value));
    match condition.operator {
        Operator::StringEquals => values.is_some_and(allowed),
        Operator::ForAllValuesStringLike => values.is_none_or(|values| values.iter().all(like)),
        Operator::StringEqualsIfExists | Operator::ForAllValuesStringEquals => values.is_none_or(allowed),
    }
}

/// Checks every request of a function's client against the function's role.
#[derive(Debug)]
struct Guard(Arc<Role>);

impl Intercept for Guard {
    fn name(&self) -> &'static str {
        "role"
    }

    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let target = request.headers().get("x-amz-target");
        locked(&self.0.asked).extend(target.map(str::to_owned));
        let calls = request::read(target, request.body().bytes().unwrap_or_default(), &self.0.tables);
        let checked = calls.and_then(|calls| calls.iter().try_for_each(|call| self.0.check(call)));
        checked.map_err(|refusal| {
            tracing::error!("{refusal}");
            locked(&self.0.refused).insert(refusal.clone());
            refusal.into()
        })
    }
}
